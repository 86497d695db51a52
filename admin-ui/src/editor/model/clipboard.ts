import { freeId } from './document';
import { idsOf, nodeOf } from './edit';
import { parseFlow } from './parse';
import { mapTargets } from './ports';
import { isObject } from './shape';
import { FLOW_VERSION } from './types';
import type { Comment, FlowDocument, FlowNode, NodeId, Point } from './types';

/** What stands on the clipboard, as JSON, so that it can go to another flow, domain or editor. */
export interface Clip {
  tandem_flow_clip: 1;
  nodes: FlowNode[];
  places: Record<NodeId, Point>;
  comments: Comment[];
}

export function copy(document: FlowDocument, ids: readonly NodeId[], comments: readonly string[] = []): Clip {
  const nodes = [...new Set(ids)].flatMap((id) => nodeOf(document, id) ?? []);
  const places = Object.fromEntries(nodes.map(({ id }) => [id, document.drawing.nodes[id] ?? { x: 0, y: 0 }]));
  return {
    tandem_flow_clip: 1,
    nodes,
    places,
    comments: document.drawing.comments.filter((comment) => comments.includes(comment.id)),
  };
}

/** Reads a clip; `null`: the clipboard holds something else. */
export function readClip(json: string): Clip | null {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch {
    return null;
  }
  if (!isObject(raw) || raw.tandem_flow_clip !== 1 || !isObject(raw.places)) return null;
  const flow = parseFlow({ version: FLOW_VERSION, name: '', start: '', nodes: raw.nodes });
  if (!flow.ok) return null;
  const comments = Array.isArray(raw.comments) ? raw.comments.filter(isComment) : [];
  const places: Clip['places'] = {};
  for (const { id } of flow.value.nodes) {
    const place = raw.places[id];
    places[id] = isPoint(place) ? { x: place.x, y: place.y } : { x: 0, y: 0 };
  }
  return { tandem_flow_clip: 1, nodes: flow.value.nodes, places, comments };
}

const isPoint = (raw: unknown): raw is Point => isObject(raw) && Number.isFinite(raw.x) && Number.isFinite(raw.y);

function isComment(raw: unknown): raw is Comment {
  return isPoint(raw) && isObject(raw) && [raw.w, raw.h].every(Number.isFinite) && typeof raw.text === 'string';
}

export interface Pasted {
  document: FlowDocument;
  ids: NodeId[];
  comments: string[];
}

/**
 * Pastes with new ids. Ways between the pasted nodes go along; ways to others stay where such a node is in this flow,
 * else they are cut. The upper left corner comes to `at`.
 */
export function paste(document: FlowDocument, clip: Clip, at: Point): Pasted {
  const own = idsOf(document);
  const taken = new Set(own);
  const names = new Map<NodeId, NodeId>();
  for (const { id } of clip.nodes) {
    const fresh = freeId(taken, id);
    taken.add(fresh);
    names.set(id, fresh);
  }
  const renamed = (target: NodeId) => names.get(target) ?? (own.has(target) ? target : null);
  const nodes = clip.nodes.map((node) => ({ ...mapTargets(node, renamed), id: names.get(node.id) ?? node.id }));
  const shift = shiftTo(clip, at);
  const places = Object.fromEntries(
    clip.nodes.map(({ id }) => [names.get(id) ?? id, moved(clip.places[id] ?? { x: 0, y: 0 }, shift)]),
  );
  const comments = pastedComments(document, clip, shift);
  const { flow, drawing } = document;
  const ids = nodes.map((node) => node.id);
  const start = flow.nodes.length === 0 ? (ids[0] ?? '') : flow.start;
  return {
    ids,
    comments: comments.map((comment) => comment.id),
    document: {
      flow: { ...flow, start, nodes: [...flow.nodes, ...nodes] },
      drawing: {
        ...drawing,
        nodes: { ...drawing.nodes, ...places },
        comments: [...drawing.comments, ...comments],
      },
    },
  };
}

function pastedComments(document: FlowDocument, clip: Clip, shift: Point): Comment[] {
  const taken = new Set(document.drawing.comments.map((comment) => comment.id));
  return clip.comments.map(({ x, y, w, h, text }) => {
    const id = freeId(taken, 'comment');
    taken.add(id);
    return { id, ...moved({ x, y }, shift), w, h, text };
  });
}

function shiftTo(clip: Clip, at: Point): Point {
  const points = [...Object.values(clip.places), ...clip.comments];
  const left = Math.min(...points.map((point) => point.x), Infinity);
  const top = Math.min(...points.map((point) => point.y), Infinity);
  return { x: Number.isFinite(left) ? at.x - left : 0, y: Number.isFinite(top) ? at.y - top : 0 };
}

function moved(point: Point, shift: Point): Point {
  return { x: Math.round(point.x + shift.x), y: Math.round(point.y + shift.y) };
}

/** Copies nodes within the flow, a little to the right and below. */
export function duplicate(document: FlowDocument, ids: readonly NodeId[], comments: readonly string[] = []): Pasted {
  const clip = copy(document, ids, comments);
  const points = [...Object.values(clip.places), ...clip.comments];
  if (points.length === 0) return { document, ids: [], comments: [] };
  const at = { x: Math.min(...points.map(({ x }) => x)) + 40, y: Math.min(...points.map(({ y }) => y)) + 40 };
  return paste(document, clip, at);
}
