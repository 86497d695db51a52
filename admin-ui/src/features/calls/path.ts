import type { Schemas } from '../../api/client';
import { nodeOf } from './nodeOf';

/** A node on the way of a call, as the drawing shows it. */
export interface OnPath {
  node: string;
  from_ms: number;
  to_ms: number | null;
}

/** The nodes that the call passed. Steps of one node that follow one another are one stay there. */
export function pathOf(steps: readonly Schemas['CallStep'][]): OnPath[] {
  const path: OnPath[] = [];
  for (const step of steps) {
    const { at_ms, ended_ms } = step;
    const { id: node, enters } = nodeOf(step);
    if (node === null) continue;
    const last = path.at(-1);
    // `sales/menu` is a node of the flow `sales`, which a node of this one runs: the call stays at that one.
    if (last && (node.includes('/') || (last.node === node && !enters))) last.to_ms = ended_ms;
    else {
      if (last) last.to_ms = at_ms;
      path.push({ node, from_ms: at_ms, to_ms: ended_ms });
    }
  }
  return path;
}
