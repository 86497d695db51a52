import type { Schemas } from '../../api/client';

export interface AtNode {
  id: string | null;
  name: string | null;
  /** The call enters the node with this step. */
  enters: boolean;
}

/** The node at which a step happened. `trace.step` enters the one that it names. */
export function nodeOf({ op, node, node_name: name, arguments: given }: Schemas['CallStep']): AtNode {
  if (op !== 'trace.step') return { id: node, name: name ?? node, enters: false };
  const named = (typeof given === 'object' && given !== null ? given : {}) as { id?: unknown; name?: unknown };
  const id = typeof named.id === 'string' ? named.id : node;
  return { id, name: typeof named.name === 'string' && named.name !== '' ? named.name : id, enters: true };
}
