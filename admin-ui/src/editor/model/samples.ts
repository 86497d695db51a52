import { emptyDocument, placed } from './document';
import type { FlowDocument, FlowNode } from './types';

/** A small flow for tests: a menu, a user, an entry of digits, and their ends. */
export const OFFICE: FlowNode[] = [
  {
    id: 'main',
    name: 'Main menu',
    do: {
      menu: {
        greeting: [{ say: 'Good day.' }],
        prompts: [{ say: 'Press 1 for Anna, or 2 to enter an extension.' }],
        choices: { '1': 'anna', '2': 'ask' },
        default: 'bye',
      },
    },
  },
  { id: 'anna', name: 'Call Anna', do: { dial_user: { user: '302', on: { busy: 'busy' }, default: 'back' } } },
  {
    id: 'ask',
    name: 'Ask for the extension',
    do: { collect: { prompts: [{ say: 'Enter it.' }], into: 'extension', min: 3, max: 3, next: 'call', default: 'back' } },
  },
  { id: 'call', name: 'Call it', do: { dial_number: { number: { variable: 'extension' }, default: 'back' } } },
  { id: 'busy', name: 'Say busy', do: { say: { prompts: [{ say: 'Busy.' }], next: 'back' } } },
  { id: 'back', name: 'Back', do: { go_back: {} } },
  { id: 'bye', name: 'Hang up', do: { hang_up: {} } },
];

export function documentOf(nodes: FlowNode[], start = nodes[0]?.id ?? ''): FlowDocument {
  const { flow, drawing } = emptyDocument('Test', 'en');
  return placed({ flow: { ...flow, start, nodes }, drawing });
}

export const office = (): FlowDocument => documentOf(OFFICE);
