import { freeId } from './document';
import { freshAction, kindOf } from './kinds';
import { mainPort, mapTargets, portsOf, withTarget } from './ports';
import type { Action, Comment, Flow, FlowDocument, FlowNode, Kind, NodeId, Point } from './types';

/**
 * The edits. Each takes a document and gives a new one; what did not change is shared with the old one. An edit that
 * changes nothing gives the same object.
 */

export function nodeOf(document: FlowDocument, id: NodeId): FlowNode | undefined {
  return document.flow.nodes.find((node) => node.id === id);
}

export function withFlow(document: FlowDocument, change: Partial<Flow>): FlowDocument {
  return { ...document, flow: { ...document.flow, ...change } };
}

function mapNode(document: FlowDocument, id: NodeId, change: (node: FlowNode) => FlowNode): FlowDocument {
  let changed = false;
  const nodes = document.flow.nodes.map((node) => {
    if (node.id !== id) return node;
    const next = change(node);
    changed ||= next !== node;
    return next;
  });
  return changed ? withFlow(document, { nodes }) : document;
}

export interface Added {
  document: FlowDocument;
  id: NodeId;
}

/** Adds a node. The first one is where the flow begins. */
export function addNode(document: FlowDocument, kind: Kind, name: string, at: Point): Added {
  const id = freeId(idsOf(document), kind.replaceAll('_', '-'));
  const { flow, drawing } = document;
  const nodes = [...flow.nodes, { id, name, do: freshAction(kind) }];
  return {
    id,
    document: {
      flow: { ...flow, nodes, start: flow.nodes.length === 0 ? id : flow.start },
      drawing: { ...drawing, nodes: { ...drawing.nodes, [id]: { x: at.x, y: at.y } } },
    },
  };
}

/** Adds a node behind another: the other's main way leads to it, and it leads on where that way led. */
export function addBehind(document: FlowDocument, kind: Kind, name: string, behind: NodeId, at: Point): Added {
  const added = addNode(document, kind, name, at);
  const before = nodeOf(document, behind);
  const port = before === undefined ? undefined : mainPort(before);
  if (port === undefined) return added;
  const linked = connect(added.document, behind, port.id, added.id);
  const fresh = nodeOf(linked, added.id);
  const way = fresh === undefined ? undefined : mainPort(fresh);
  if (port.target === null || way === undefined) return { document: linked, id: added.id };
  return { document: connect(linked, added.id, way.id, port.target), id: added.id };
}

export function removeNodes(document: FlowDocument, ids: readonly NodeId[]): FlowDocument {
  const gone = new Set(ids);
  const { flow, drawing } = document;
  if (!flow.nodes.some((node) => gone.has(node.id))) return document;
  const nodes = flow.nodes
    .filter((node) => !gone.has(node.id))
    .map((node) => mapTargets(node, (target) => (gone.has(target) ? null : target)));
  const places = Object.fromEntries(Object.entries(drawing.nodes).filter(([id]) => !gone.has(id)));
  const start = gone.has(flow.start) ? startAfter(flow, gone) : flow.start;
  return { flow: { ...flow, nodes, start }, drawing: { ...drawing, nodes: places } };
}

/** Where the flow begins when its first node is gone: where that one led, else the first that is left. */
function startAfter(flow: Flow, gone: ReadonlySet<NodeId>): NodeId {
  const first = flow.nodes.find((node) => node.id === flow.start);
  const led = first === undefined ? [] : portsOf(first).map((port) => port.target);
  const rest = flow.nodes.map((node) => node.id);
  return [...led, ...rest].find((id): id is NodeId => id !== null && rest.includes(id) && !gone.has(id)) ?? '';
}

/** Why a connection is not possible; `null`: it is. */
export function refusal(document: FlowDocument, from: NodeId, port: string, to: NodeId): 'no_node' | 'no_port' | 'itself' | null {
  const source = nodeOf(document, from);
  if (source === undefined || nodeOf(document, to) === undefined) return 'no_node';
  const found = portsOf(source).find((candidate) => candidate.id === port);
  if (found === undefined) return 'no_port';
  // A step that goes on at itself by its only way never ends. A menu's choice or a failure may lead back.
  if (from === to && found.role === 'next') return 'itself';
  return null;
}

export function connect(document: FlowDocument, from: NodeId, port: string, to: NodeId): FlowDocument {
  if (refusal(document, from, port, to) !== null) return document;
  return mapNode(document, from, (node) => {
    const same = portsOf(node).some((candidate) => candidate.id === port && candidate.target === to);
    return same ? node : withTarget(node, port, to);
  });
}

export function disconnect(document: FlowDocument, from: NodeId, port: string): FlowDocument {
  return mapNode(document, from, (node) => {
    const bound = portsOf(node).some((candidate) => candidate.id === port && candidate.target !== null);
    return bound ? withTarget(node, port, null) : node;
  });
}

/** Renames a node with everything that names it. An id that is taken or empty changes nothing. */
export function renameId(document: FlowDocument, from: NodeId, to: NodeId): FlowDocument {
  const ids = idsOf(document);
  if (from === to || to === '' || ids.has(to) || !ids.has(from)) return document;
  const { flow, drawing } = document;
  const renamed = (id: NodeId) => (id === from ? to : id);
  const nodes = flow.nodes
    .map((node) => mapTargets(node, renamed))
    .map((node) => (node.id === from ? { ...node, id: to } : node));
  const places = Object.fromEntries(Object.entries(drawing.nodes).map(([id, place]) => [renamed(id), place]));
  return { flow: { ...flow, nodes, start: renamed(flow.start) }, drawing: { ...drawing, nodes: places } };
}

export function setName(document: FlowDocument, id: NodeId, name: string): FlowDocument {
  return mapNode(document, id, (node) => (node.name === name ? node : { ...node, name }));
}

export function setAction(document: FlowDocument, id: NodeId, action: Action): FlowDocument {
  return mapNode(document, id, (node) => ({ ...node, do: action }));
}

export function setStart(document: FlowDocument, id: NodeId): FlowDocument {
  return document.flow.start === id ? document : withFlow(document, { start: id });
}

/** Moves nodes and comments, by id. */
export function move(document: FlowDocument, to: Record<string, Point>): FlowDocument {
  const { drawing } = document;
  const nodes = { ...drawing.nodes };
  for (const [id, { x, y }] of Object.entries(to)) {
    if (nodes[id] !== undefined) nodes[id] = { ...nodes[id], x: Math.round(x), y: Math.round(y) };
  }
  const comments = drawing.comments.map((comment) => {
    const point = to[comment.id];
    return point === undefined ? comment : { ...comment, x: Math.round(point.x), y: Math.round(point.y) };
  });
  return { ...document, drawing: { ...drawing, nodes, comments } };
}

export function setOpen(document: FlowDocument, id: NodeId, open: boolean): FlowDocument {
  const place = document.drawing.nodes[id];
  if (place === undefined) return document;
  const { open: _was, ...point } = place;
  const nodes = { ...document.drawing.nodes, [id]: open ? { ...point, open } : point };
  return { ...document, drawing: { ...document.drawing, nodes } };
}

export function addComment(document: FlowDocument, at: Point): Added {
  const { drawing } = document;
  const id = freeId(new Set(drawing.comments.map((comment) => comment.id)), 'comment');
  const comment: Comment = { id, x: Math.round(at.x), y: Math.round(at.y), w: 220, h: 100, text: '' };
  return { id, document: { ...document, drawing: { ...drawing, comments: [...drawing.comments, comment] } } };
}

export function setComment(document: FlowDocument, id: string, change: Partial<Omit<Comment, 'id'>>): FlowDocument {
  const comments = document.drawing.comments.map((comment) =>
    comment.id === id ? { ...comment, ...change } : comment,
  );
  return { ...document, drawing: { ...document.drawing, comments } };
}

export function removeComments(document: FlowDocument, ids: readonly string[]): FlowDocument {
  const comments = document.drawing.comments.filter((comment) => !ids.includes(comment.id));
  if (comments.length === document.drawing.comments.length) return document;
  return { ...document, drawing: { ...document.drawing, comments } };
}

export function idsOf(document: FlowDocument): Set<NodeId> {
  return new Set(document.flow.nodes.map((node) => node.id));
}

/** Nodes of one kind, for code that looks for users or variables. */
export function nodesOfKind(document: FlowDocument, kind: Kind): FlowNode[] {
  return document.flow.nodes.filter((node) => kindOf(node) === kind);
}
