import type { Action, Bodies, FlowNode, Kind } from './types';

/** A node's kind: the one key of its action. */
export function kindOf(node: FlowNode): Kind {
  return Object.keys(node.do)[0] as Kind;
}

/** What stands under the action's key, for code that treats all kinds alike. */
export function bodyOf(node: FlowNode): Record<string, unknown> {
  return (node.do as unknown as Record<string, Record<string, unknown>>)[kindOf(node)] ?? {};
}

/** The body of a node whose kind is known. */
export function bodyAs<K extends Kind>(node: FlowNode, kind: K): Bodies[K] {
  return (node.do as unknown as Bodies)[kind];
}

export function action(kind: Kind, body: unknown): Action {
  return { [kind]: body } as unknown as Action;
}

export type Category = 'speak' | 'connect' | 'decide' | 'end';

/** The palette: kinds by what they are for. */
export const PALETTE: readonly { category: Category; kinds: readonly Kind[] }[] = [
  { category: 'speak', kinds: ['say', 'menu', 'collect'] },
  { category: 'connect', kinds: ['dial_user', 'dial_number', 'group', 'transfer', 'voicemail'] },
  { category: 'decide', kinds: ['if', 'set', 'http', 'flow', 'scenario'] },
  { category: 'end', kinds: ['goto', 'go_back', 'repeat', 'hang_up'] },
];

export const KINDS: readonly Kind[] = PALETTE.flatMap((group) => group.kinds);

export function categoryOf(kind: Kind): Category {
  return PALETTE.find((group) => group.kinds.includes(kind))?.category ?? 'end';
}

const FRESH: { [K in Kind]: () => Bodies[K] } = {
  say: () => ({ prompts: [{ say: '' }] }),
  menu: () => ({ prompts: [{ say: '' }], choices: { '1': '', '2': '' } }),
  collect: () => ({ prompts: [{ say: '' }], into: 'entry', min: 1, max: 4 }),
  dial_user: () => ({ user: '' }),
  dial_number: () => ({ number: { fixed: '' } }),
  group: () => ({ users: [], strategy: 'all', timeout_s: 30 }),
  transfer: () => ({ number: { fixed: '' } }),
  voicemail: () => ({ box: { fixed: '' } }),
  if: () => ({ when: { open: '' }, then: '', else: '' }),
  set: () => ({ variable: '', value: { fixed: '' } }),
  http: () => ({ method: 'GET', url: 'https://', timeout_s: 5 }),
  flow: () => ({ name: '' }),
  scenario: () => ({ number: { fixed: '' } }),
  goto: () => ({ node: '' }),
  go_back: () => ({}),
  repeat: () => ({}),
  hang_up: () => ({}),
};

/** What a new node of this kind does before anybody has filled it in. */
export function freshAction(kind: Kind): Action {
  return action(kind, FRESH[kind]());
}
