/** The flow format, version 1 (docs/flows.md, docs/flow.schema.json), as TypeScript types. */

export const FLOW_VERSION = 1;

export type NodeId = string;
export type VariableName = string;

export interface Flow {
  version: number;
  name: string;
  /** Language tag of the texts to speak; empty or absent: the domain's. */
  language?: string;
  start: NodeId;
  nodes: FlowNode[];
  /** The flows that it runs, by name: in what was published. */
  flows?: Record<string, unknown>;
}

export interface FlowNode {
  id: NodeId;
  name: string;
  do: Action;
}

/** Exactly one key, which is the kind. */
export type Action = { [K in Kind]: { [P in K]: Bodies[P] } }[Kind];

export interface Bodies {
  say: Say;
  menu: Menu;
  collect: Collect;
  dial_user: DialUser;
  dial_number: DialNumber;
  group: Group;
  transfer: Transfer;
  voicemail: Voicemail;
  if: If;
  set: SetVariable;
  http: Http;
  flow: SubFlow;
  scenario: OtherEntry;
  goto: Goto;
  go_back: Nothing;
  repeat: Nothing;
  hang_up: HangUp;
}

export type Kind = keyof Bodies;
export type Nothing = Record<string, never>;

export interface Say {
  prompts: Prompt[];
  next?: NodeId | null;
}

export interface Menu {
  greeting?: Prompt[];
  prompts: Prompt[];
  choices: Record<string, NodeId>;
  timeout_ms?: number;
  retries?: number;
  timeout_prompts?: Prompt[];
  invalid_prompts?: Prompt[];
  on_timeout?: NodeId | null;
  on_invalid?: NodeId | null;
  default?: NodeId | null;
}

export interface Collect {
  prompts?: Prompt[];
  into: VariableName;
  min?: number;
  max: number;
  terminators?: string;
  timeout_ms?: number;
  digit_timeout_ms?: number;
  retries?: number;
  invalid_prompts?: Prompt[];
  next?: NodeId | null;
  default?: NodeId | null;
}

export const FAILURES = ['not_found', 'unreachable', 'busy', 'no_answer', 'declined', 'refused'] as const;
export type Failure = (typeof FAILURES)[number];

interface Dial {
  timeout_s?: number;
  next?: NodeId | null;
  on?: Partial<Record<Failure, NodeId>>;
  default?: NodeId | null;
}

export interface DialUser extends Dial {
  user: string;
}

export interface DialNumber extends Dial {
  number: Value;
}

export const STRATEGIES = ['all', 'in_turn', 'random', 'round_robin', 'least_recent'] as const;
export type Strategy = (typeof STRATEGIES)[number];

export interface Group extends Dial {
  users: string[];
  strategy?: Strategy;
}

export interface Transfer {
  number: Value;
  default?: NodeId | null;
}

export interface Voicemail {
  box: Value;
  greeting?: Prompt[];
  next?: NodeId | null;
}

export interface If {
  when: Condition;
  then: NodeId;
  else: NodeId;
}

export interface SetVariable {
  variable: VariableName;
  value: Value | { text: string };
  next?: NodeId | null;
}

export interface Http {
  method: 'GET' | 'POST';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  timeout_s?: number;
  /** Which variable takes what the JSON pointer finds in the answer. */
  into?: Record<VariableName, string>;
  next?: NodeId | null;
  default?: NodeId | null;
}

export interface SubFlow {
  name: string;
  next?: NodeId | null;
}

export interface OtherEntry {
  number: Value;
}

export interface Goto {
  node: NodeId;
}

export const CAUSES = ['normal', 'busy', 'declined', 'not_found', 'forbidden', 'unavailable', 'congested'] as const;
export type Cause = (typeof CAUSES)[number] | { status: number };

export interface HangUp {
  cause?: Cause;
}

export type Value = { fixed: string } | { variable: VariableName };

export type Condition =
  | { equals: [Value, Value] }
  | { matches: [Value, string] }
  | { less: [Value, Value] }
  | { open: string }
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition };

export type Prompt =
  | { say: string }
  | { speech: { text: string; language: string } }
  | { file: string }
  | { silence_ms: number }
  | { tone: { hz: number; second_hz?: number | null; duration_ms: number } };

/** Variables that are there from the beginning. */
export const GIVEN: readonly VariableName[] = [
  'caller', 'dialled', 'date', 'time', 'year', 'month', 'day', 'weekday', 'hour', 'minute',
];

/** Every digit that a menu may have, in the order of a keypad. */
export const DIGITS: readonly string[] = [...'1234567890*#ABCD'];

export const LIMITS = {
  nodes: 1000,
  prompts: 64,
  text: 4096,
  id: 64,
  name: 256,
  time_ms: 600_000,
  ring_s: 600,
  digits: 64,
  retries: 10,
  hz: [20, 3800],
  status: [400, 699],
} as const;

export interface Point {
  x: number;
  y: number;
}

/** What the picture knows beside the flow. */
export interface Drawing {
  version: number;
  /** `open`: seldom used ports are shown too. */
  nodes: Record<NodeId, Point & { open?: boolean }>;
  comments: Comment[];
  viewport?: Point & { zoom: number };
}

export interface Comment extends Point {
  id: string;
  w: number;
  h: number;
  text: string;
}

export const DRAWING_VERSION = 1;

/** What is saved: the flow in its published format, and beside it the picture. */
export interface FlowDocument {
  flow: Flow;
  drawing: Drawing;
}
