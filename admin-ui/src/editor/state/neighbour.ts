import type { FlowDocument, NodeId } from '../model/index';

/** The nearest node in a direction, what lies aside counting double; without a node at hand the first of the flow. */
export function neighbour(document: FlowDocument, from: NodeId | undefined, x: number, y: number): NodeId | undefined {
  const { nodes } = document.drawing;
  const here = from === undefined ? undefined : nodes[from];
  if (here === undefined) return document.flow.start || document.flow.nodes[0]?.id;
  let best: { id: NodeId; far: number } | undefined;
  for (const { id } of document.flow.nodes) {
    const there = nodes[id];
    if (there === undefined || id === from) continue;
    const [dx, dy] = [there.x - here.x, there.y - here.y];
    const ahead = dx * x + dy * y;
    const aside = Math.abs(dx * y) + Math.abs(dy * x);
    const far = ahead + 2 * aside;
    if (ahead > 0 && (best === undefined || far < best.far)) best = { id, far };
  }
  return best?.id;
}
