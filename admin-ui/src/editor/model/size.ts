import { kindOf } from './kinds';
import { visiblePorts } from './ports';
import type { FlowNode } from './types';

export const NODE_WIDTH = 248;
const HEAD = 40;
const WORDS = 44;
export const ROW = 24;
const FEET = 8;

/** How tall a node is drawn, near enough to lay it out before it is on the screen. */
export function heightOf(node: FlowNode, open: boolean): number {
  const rows = visiblePorts(node, open).length;
  return HEAD + WORDS + rows * ROW + (rows > 0 || kindOf(node) === 'hang_up' ? FEET : 0);
}
