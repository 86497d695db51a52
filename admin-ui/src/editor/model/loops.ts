import { kindOf } from './kinds';
import { edgesOf } from './ports';
import type { Edge } from './ports';
import type { Flow, Kind, NodeId } from './types';

/** Where the caller does something or time passes by itself: a circle through one of these is no mistake. */
const WAITING: ReadonlySet<Kind> = new Set<Kind>(['menu', 'collect', 'voicemail', 'flow']);

/**
 * Circles in which nobody presses or says anything: the server breaks such a call off. `loop`: no way leads out;
 * `maybe_loop`: one does, by a condition or a failure.
 */
export function loopsOf(flow: Flow): Map<NodeId, 'loop' | 'maybe_loop'> {
  const passing = new Set(flow.nodes.filter((node) => !WAITING.has(kindOf(node))).map((node) => node.id));
  const dials = new Set(
    flow.nodes.filter((node) => ['dial_user', 'dial_number', 'group'].includes(kindOf(node))).map((node) => node.id),
  );
  const edges = edgesOf(flow.nodes);
  // After a talk the count of steps begins again.
  const inner = edges.filter(
    (edge) => passing.has(edge.from) && passing.has(edge.to) && !(dials.has(edge.from) && edge.port.id === 'next'),
  );
  const loops = new Map<NodeId, 'loop' | 'maybe_loop'>();
  for (const circle of circlesOf([...passing], inner)) {
    const leaves = edges.some((edge) => circle.has(edge.from) && !circle.has(edge.to)) || [...circle].some((id) => dials.has(id));
    for (const id of circle) loops.set(id, leaves ? 'maybe_loop' : 'loop');
  }
  return loops;
}

/** Strongly connected parts that hold a circle (Kosaraju, without recursion: flows have up to 1,000 nodes). */
function circlesOf(ids: readonly NodeId[], edges: readonly Edge[]): Set<NodeId>[] {
  const out = neighbours(edges, (edge) => [edge.from, edge.to]);
  const into = neighbours(edges, (edge) => [edge.to, edge.from]);
  const order: NodeId[] = [];
  const seen = new Set<NodeId>();
  for (const id of ids) visit(id, out, seen, (left) => order.push(left));
  const taken = new Set<NodeId>();
  const parts: Set<NodeId>[] = [];
  for (const id of order.reverse()) {
    const part = new Set<NodeId>();
    visit(id, into, taken, (left) => part.add(left));
    if (part.size > 1 || (part.size === 1 && (out.get(id) ?? []).includes(id))) parts.push(part);
  }
  return parts;
}

function neighbours(edges: readonly Edge[], ends: (edge: Edge) => [NodeId, NodeId]): Map<NodeId, NodeId[]> {
  const map = new Map<NodeId, NodeId[]>();
  for (const edge of edges) {
    const [from, to] = ends(edge);
    const list = map.get(from);
    if (list) list.push(to);
    else map.set(from, [to]);
  }
  return map;
}

/** Depth first from `id` over nodes not seen yet; `leave` is called when all behind a node is done. */
function visit(id: NodeId, next: ReadonlyMap<NodeId, NodeId[]>, seen: Set<NodeId>, leave: (id: NodeId) => void): void {
  if (seen.has(id)) return;
  seen.add(id);
  const stack: { id: NodeId; at: number }[] = [{ id, at: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const target = next.get(top.id)?.[top.at];
    top.at += 1;
    if (target === undefined) {
      leave(top.id);
      stack.pop();
    } else if (!seen.has(target)) {
      seen.add(target);
      stack.push({ id: target, at: 0 });
    }
  }
}
