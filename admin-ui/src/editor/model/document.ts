import { layout } from './layout';
import { migrate } from './migrate';
import { parseDrawing, parseFlow } from './parse';
import type { FormProblem, Parsed } from './parse';
import { isObject } from './shape';
import { DRAWING_VERSION, FLOW_VERSION } from './types';
import type { Drawing, Flow, FlowDocument, NodeId } from './types';

export function emptyDocument(name: string, language = ''): FlowDocument {
  const flow: Flow = { version: FLOW_VERSION, name, language, start: '', nodes: [] };
  return { flow, drawing: emptyDrawing() };
}

export function emptyDrawing(): Drawing {
  return { version: DRAWING_VERSION, nodes: {}, comments: [] };
}

/**
 * Reads what was saved, or a bare flow. Older versions are migrated. A picture that cannot be read is drawn anew: the
 * flow is what counts. Nodes without a place get one.
 */
export function readDocument(raw: unknown): Parsed<FlowDocument> {
  const whole = isObject(raw) && isObject(raw.flow) ? raw : { flow: raw };
  const migrated = migrate('flow', whole.flow);
  if (!migrated.ok) return { ok: false, problems: [formProblem('version', migrated.detail)] };
  const flow = parseFlow(migrated.value);
  if (!flow.ok) return flow;
  return { ok: true, value: placed({ flow: flow.value, drawing: readDrawing(whole.drawing) }) };
}

export function readJson(json: string): Parsed<FlowDocument> {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch (error) {
    return { ok: false, problems: [formProblem('', `is not JSON: ${String(error)}`)] };
  }
  return readDocument(raw);
}

/** What is written to a file: the whole document, or the flow alone as the server runs it. */
export function toJson(document: FlowDocument, what: 'document' | 'flow' = 'document'): string {
  return `${JSON.stringify(what === 'flow' ? document.flow : document, null, 2)}\n`;
}

function formProblem(path: string, detail: string): FormProblem {
  return { path, detail, node: null };
}

function readDrawing(raw: unknown): Drawing {
  const migrated = migrate('drawing', raw ?? emptyDrawing());
  const drawing = migrated.ok ? parseDrawing(migrated.value) : migrated;
  return drawing.ok ? drawing.value : emptyDrawing();
}

/** Gives every node a place and forgets those of nodes that are gone. */
export function placed(document: FlowDocument): FlowDocument {
  const { flow, drawing } = document;
  const missing = flow.nodes.filter((node) => !Object.hasOwn(drawing.nodes, node.id));
  const ids = new Set(flow.nodes.map((node) => node.id));
  const stale = Object.keys(drawing.nodes).some((id) => !ids.has(id));
  if (missing.length === 0 && !stale) return document;
  const nodes: Drawing['nodes'] = {};
  const arranged = missing.length > 0 ? layout(flow, drawing) : {};
  const shift = missing.length === flow.nodes.length ? 0 : lowest(drawing) + 80;
  for (const { id } of flow.nodes) {
    const kept = drawing.nodes[id];
    const fresh = arranged[id] ?? { x: 0, y: 0 };
    nodes[id] = kept ?? { x: fresh.x, y: fresh.y + shift };
  }
  return { flow, drawing: { ...drawing, nodes } };
}

function lowest(drawing: Drawing): number {
  return Object.values(drawing.nodes).reduce((most, point) => Math.max(most, point.y + 120), 0);
}

/** An id that is not taken: `say`, `say-2`, `say-3`, … */
export function freeId(taken: ReadonlySet<NodeId>, wish: string): NodeId {
  const base = wish.replace(/-\d+$/, '') || 'step';
  if (!taken.has(base)) return base;
  for (let count = 2; ; count += 1) {
    const id = `${base.slice(0, 56)}-${count}`;
    if (!taken.has(id)) return id;
  }
}
