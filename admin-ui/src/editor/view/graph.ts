import { MarkerType } from '@xyflow/react';
import type { Edge, Node } from '@xyflow/react';

import type { PathStep } from '../api';
import { edgesOf, heightOf, NODE_WIDTH, ROW, visiblePorts } from '../model/index';
import type { Comment, FlowDocument, FlowNode, Port } from '../model/index';

/** How a call passed a node. */
export interface Visit {
  /** Which steps of the path they were, from 1. */
  orders: number[];
  /** The call is there now. */
  now: boolean;
  from_ms: number;
  to_ms: number | null;
}

export interface StepData extends Record<string, unknown> {
  node: FlowNode;
  ports: Port[];
  /** Names of the nodes to which the ports lead. */
  targets: string[];
  isStart: boolean;
  open: boolean;
  errors: number;
  warnings: number;
  visit: Visit | null;
  /** The node is dimmed: a path is shown, and it is not on it. */
  aside: boolean;
  count: number;
  readOnly: boolean;
}

export interface CommentData extends Record<string, unknown> {
  comment: Comment;
  readOnly: boolean;
}

export type StepNodeType = Node<StepData, 'step'>;
export type CommentNodeType = Node<CommentData, 'comment'>;
export type CanvasNode = StepNodeType | CommentNodeType;

export interface Lights {
  visits: ReadonlyMap<string, Visit>;
  /** Ways that the call took: `from>to`. */
  ways: ReadonlySet<string>;
}

export interface Extras {
  selection: readonly string[];
  marks: ReadonlyMap<string, { errors: number; warnings: number }>;
  lights: Lights | null;
  counts: Record<string, number>;
  readOnly: boolean;
}

/** What a path lights; `until`: only its first steps, the last of which is now. */
export function lightsOf(path: readonly PathStep[], until: number = path.length): Lights {
  const visits = new Map<string, Visit>();
  const ways = new Set<string>();
  path.slice(0, until).forEach(({ node, from_ms, to_ms }, index) => {
    const before = visits.get(node);
    const now = index === until - 1;
    visits.set(node, { orders: [...(before?.orders ?? []), index + 1], now, from_ms: before?.from_ms ?? from_ms, to_ms });
    const next = path[index + 1];
    if (next !== undefined && index + 1 < until) ways.add(`${node}>${next.node}`);
  });
  return { visits, ways };
}

/** The nodes to draw. Those of `before` that look the same are kept, so that they are not drawn again. */
export function canvasNodes(document: FlowDocument, extras: Extras, before: readonly CanvasNode[]): CanvasNode[] {
  const old = new Map(before.map((node) => [node.id, node]));
  const names = new Map(document.flow.nodes.map((node) => [node.id, node.name]));
  const selected = new Set(extras.selection);
  const steps = document.flow.nodes.map((node) => {
    const place = document.drawing.nodes[node.id] ?? { x: 0, y: 0 };
    const data = stepData(document, node, names, extras);
    const fresh: StepNodeType = {
      id: node.id,
      type: 'step',
      position: { x: place.x, y: place.y },
      data,
      selected: selected.has(node.id),
      width: NODE_WIDTH,
      height: heightOf(node, data.open && !extras.readOnly) - (extras.readOnly ? hiddenRows(node) * ROW : 0),
    };
    return kept(old.get(node.id), fresh);
  });
  const comments = document.drawing.comments.map((comment) => {
    const fresh: CommentNodeType = {
      id: comment.id,
      type: 'comment',
      position: { x: comment.x, y: comment.y },
      data: { comment, readOnly: extras.readOnly },
      selected: selected.has(comment.id),
      width: comment.w,
      height: comment.h,
      zIndex: -1,
    };
    return kept(old.get(comment.id), fresh);
  });
  return [...comments, ...steps];
}

/** Rows that are not drawn where nothing can be changed. */
function hiddenRows(node: FlowNode): number {
  return visiblePorts(node, false).filter((port) => port.role === 'add').length;
}

function stepData(document: FlowDocument, node: FlowNode, names: ReadonlyMap<string, string>, extras: Extras): StepData {
  const open = document.drawing.nodes[node.id]?.open === true;
  const ports = visiblePorts(node, open && !extras.readOnly).filter((port) => !extras.readOnly || port.role !== 'add');
  const marks = extras.marks.get(node.id);
  const visit = extras.lights?.visits.get(node.id) ?? null;
  return {
    node,
    ports,
    targets: ports.map((port) => (port.target === null ? '' : (names.get(port.target) ?? port.target))),
    isStart: document.flow.start === node.id,
    open,
    errors: marks?.errors ?? 0,
    warnings: marks?.warnings ?? 0,
    visit,
    aside: extras.lights !== null && visit === null,
    count: extras.counts[node.id] ?? 0,
    readOnly: extras.readOnly,
  };
}

function kept(old: CanvasNode | undefined, fresh: CanvasNode): CanvasNode {
  if (old === undefined || old.type !== fresh.type) return fresh;
  const data = sameData(old.data, fresh.data) ? old.data : fresh.data;
  const same =
    data === old.data &&
    old.selected === fresh.selected &&
    old.width === fresh.width &&
    old.height === fresh.height &&
    old.position.x === fresh.position.x &&
    old.position.y === fresh.position.y;
  return same ? old : ({ ...old, ...fresh, data } as CanvasNode);
}

function sameData(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  return Object.keys(b).every((key) => {
    if (a[key] === b[key]) return true;
    if (key === 'ports') return a.node === b.node && a.open === b.open;
    const [left, right] = [a[key], b[key]];
    if (key === 'targets') return String(left) === String(right);
    return key === 'visit' && JSON.stringify(left) === JSON.stringify(right);
  });
}

export const EDGE_SEPARATOR = '>';

export function canvasEdges(document: FlowDocument, lights: Lights | null, selected: ReadonlySet<string>): Edge[] {
  const ids = new Set(document.flow.nodes.map((node) => node.id));
  const edges = edgesOf(document.flow.nodes).filter((edge) => ids.has(edge.to));
  return edges.map(({ from, port, to }): Edge => {
    const lit = lights?.ways.has(`${from}>${to}`) ?? false;
    const id = `${from}${EDGE_SEPARATOR}${port.id}`;
    const classes = [`ed-edge-${port.role}`, lit ? 'ed-lit' : lights === null ? '' : 'ed-aside'];
    return {
      id,
      source: from,
      sourceHandle: port.id,
      target: to,
      targetHandle: 'in',
      className: classes.join(' '),
      selected: selected.has(id),
      markerEnd: { type: MarkerType.ArrowClosed, markerUnits: 'userSpaceOnUse', width: 22, height: 22, color: 'context-stroke' },
      ...(lit ? { zIndex: 10 } : {}),
    };
  });
}
