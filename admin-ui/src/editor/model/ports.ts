import { action, bodyOf, kindOf } from './kinds';
import { DIGITS, FAILURES } from './types';
import type { FlowNode, Kind, Menu, NodeId } from './types';

/** Where a node's way on begins. Its id is the path inside the node's body: `next`, `choices.7`, `on.busy`. */
export interface Port {
  id: string;
  role: 'next' | 'choice' | 'failure' | 'fallback' | 'branch' | 'add';
  /** The digit of a choice, else ''. */
  digit: string;
  /** Must lead somewhere; without a target it holds an empty text. */
  required: boolean;
  /** Seldom used: shown only when it is connected or the node is opened. */
  seldom: boolean;
  target: NodeId | null;
}

/** The port of a menu that makes a new choice when something is connected to it. */
export const ADD_CHOICE = 'choices.+';

type Sketch = Pick<Port, 'id' | 'role'> & Partial<Port>;

const NEXT: Sketch = { id: 'next', role: 'next' };
const DEFAULT: Sketch = { id: 'default', role: 'fallback' };
const DIAL: Sketch[] = [
  NEXT,
  ...FAILURES.map((failure): Sketch => ({ id: `on.${failure}`, role: 'failure', seldom: true })),
  DEFAULT,
];

const FIXED: Record<Kind, readonly Sketch[]> = {
  say: [NEXT],
  menu: [
    { id: 'on_timeout', role: 'fallback', seldom: true },
    { id: 'on_invalid', role: 'fallback', seldom: true },
    DEFAULT,
  ],
  collect: [NEXT, DEFAULT],
  dial_user: DIAL,
  dial_number: DIAL,
  group: DIAL,
  transfer: [DEFAULT],
  voicemail: [NEXT],
  if: [
    { id: 'then', role: 'branch', required: true },
    { id: 'else', role: 'branch', required: true },
  ],
  set: [NEXT],
  http: [NEXT, DEFAULT],
  flow: [NEXT],
  scenario: [],
  goto: [{ id: 'node', role: 'next', required: true }],
  go_back: [],
  repeat: [],
  hang_up: [],
};

/** All ports of a node in the order in which they are drawn. */
export function portsOf(node: FlowNode): Port[] {
  const kind = kindOf(node);
  const body = bodyOf(node);
  const sketches = kind === 'menu' ? [...choices(body as unknown as Menu), ...FIXED.menu] : FIXED[kind];
  return sketches.map((sketch) => ({
    digit: '',
    required: false,
    seldom: false,
    ...sketch,
    target: sketch.role === 'add' ? null : targetAt(body, sketch.id),
  }));
}

/** The ports that the picture shows. */
export function visiblePorts(node: FlowNode, open: boolean): Port[] {
  return portsOf(node).filter((port) => open || !port.seldom || port.target !== null);
}

function choices(menu: Menu): Sketch[] {
  const digits = Object.keys(menu.choices).sort(byKeypad);
  const ports: Sketch[] = digits.map((digit) => ({ id: `choices.${digit}`, role: 'choice', digit, required: true }));
  if (freeDigit(menu) !== undefined) ports.push({ id: ADD_CHOICE, role: 'add' });
  return ports;
}

export function byKeypad(a: string, b: string): number {
  const place = (digit: string) => (DIGITS.includes(digit) ? DIGITS.indexOf(digit) : DIGITS.length);
  return place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** The next digit of the keypad that is no choice yet. */
export function freeDigit(menu: Menu): string | undefined {
  return DIGITS.find((digit) => !Object.hasOwn(menu.choices, digit));
}

function targetAt(body: Record<string, unknown>, id: string): NodeId | null {
  const [key, inner] = split(id);
  const holder = body[key];
  const found = inner === undefined ? holder : (holder as Record<string, unknown> | undefined)?.[inner];
  return typeof found === 'string' && found !== '' ? found : null;
}

function split(id: string): [string, string | undefined] {
  const dot = id.indexOf('.');
  return dot < 0 ? [id, undefined] : [id.slice(0, dot), id.slice(dot + 1)];
}

/** The node with this port leading to `target`; `null`: to nothing. */
export function withTarget(node: FlowNode, id: string, target: NodeId | null): FlowNode {
  const kind = kindOf(node);
  const body = { ...bodyOf(node) };
  const [key, inner] = split(id === ADD_CHOICE ? `choices.${freeDigit(body as unknown as Menu) ?? '1'}` : id);
  if (inner === undefined) place(body, key, target, isRequired(kind, id));
  else {
    const held = { ...(body[key] as Record<string, unknown> | undefined) };
    place(held, inner, target, key === 'choices');
    if (Object.keys(held).length === 0 && key !== 'choices') delete body[key];
    else body[key] = held;
  }
  return { ...node, do: action(kind, body) };
}

function isRequired(kind: Kind, id: string): boolean {
  return FIXED[kind].some((sketch) => sketch.id === id && sketch.required === true);
}

function place(holder: Record<string, unknown>, key: string, target: NodeId | null, required: boolean): void {
  if (target !== null) holder[key] = target;
  else if (required) holder[key] = '';
  else delete holder[key];
}

/** Every target of the node goes through `change`; the same node when nothing changes. */
export function mapTargets(node: FlowNode, change: (target: NodeId) => NodeId | null): FlowNode {
  return portsOf(node).reduce((changed, port) => {
    if (port.target === null) return changed;
    const target = change(port.target);
    return target === port.target ? changed : withTarget(changed, port.id, target);
  }, node);
}

/** The port by which a newly drawn node is appended: the first free one that is not seldom, else the first. */
export function mainPort(node: FlowNode): Port | undefined {
  const ports = portsOf(node).filter((port) => !port.seldom);
  return ports.find((port) => port.target === null) ?? ports.find((port) => port.role === 'next') ?? ports[0];
}

export interface Edge {
  from: NodeId;
  port: Port;
  to: NodeId;
}

/** Every way from a node to another that the flow writes out. */
export function edgesOf(nodes: readonly FlowNode[]): Edge[] {
  return nodes.flatMap((node) =>
    portsOf(node).flatMap((port) => (port.target === null ? [] : [{ from: node.id, port, to: port.target }])),
  );
}
