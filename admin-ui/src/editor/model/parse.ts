import { either, finite, flag, isObject, list, nullable, object, oneOf, record, tagged, text, tuple, whole } from './shape';
import type { Shape, ShapeProblem } from './shape';
import { CAUSES, FAILURES, STRATEGIES } from './types';
import type { Drawing, Flow, Kind } from './types';

/** Deeper nested conditions are refused: nobody can read them. */
export const CONDITION_DEPTH = 16;

const target = nullable(text);
const prompts = list(
  tagged({
    say: text,
    speech: object({ text, language: text }),
    file: text,
    silence_ms: whole,
    tone: object({ hz: whole, duration_ms: whole }, { second_hz: nullable(whole) }),
  }),
);
const value = tagged({ fixed: text, variable: text });
const dial = { timeout_s: whole, next: target, on: record(text, FAILURES), default: target };

function condition(depth: number): Shape {
  if (depth === 0) {
    return (_, path, problems) => problems.push({ path, detail: `is nested deeper than ${CONDITION_DEPTH}` });
  }
  const inner: Shape = (given, path, problems) => condition(depth - 1)(given, path, problems);
  return tagged({
    equals: tuple(value, value),
    matches: tuple(value, text),
    less: tuple(value, value),
    open: text,
    all: list(inner),
    any: list(inner),
    not: inner,
  });
}

const ACTIONS: Record<Kind, Shape> = {
  say: object({ prompts }, { next: target }),
  menu: object(
    { prompts, choices: record(text) },
    {
      greeting: prompts,
      timeout_ms: whole,
      retries: whole,
      timeout_prompts: prompts,
      invalid_prompts: prompts,
      on_timeout: target,
      on_invalid: target,
      default: target,
    },
  ),
  collect: object(
    { into: text, max: whole },
    {
      prompts,
      min: whole,
      terminators: text,
      timeout_ms: whole,
      digit_timeout_ms: whole,
      retries: whole,
      invalid_prompts: prompts,
      next: target,
      default: target,
    },
  ),
  dial_user: object({ user: text }, dial),
  dial_number: object({ number: value }, dial),
  group: object({ users: list(text) }, { ...dial, strategy: oneOf(STRATEGIES) }),
  transfer: object({ number: value }, { default: target }),
  voicemail: object({ box: value }, { greeting: prompts, next: target }),
  if: object({ when: condition(CONDITION_DEPTH), then: text, else: text }),
  set: object({ variable: text, value: tagged({ fixed: text, variable: text, text }) }, { next: target }),
  http: object(
    { method: oneOf(['GET', 'POST']), url: text },
    { headers: record(text), body: text, timeout_s: whole, into: record(text), next: target, default: target },
  ),
  flow: object({ name: text }, { next: target }),
  scenario: object({ number: value }),
  goto: object({ node: text }),
  go_back: object({}),
  repeat: object({}),
  hang_up: object(
    {},
    { cause: either((given) => (typeof given === 'string' ? oneOf(CAUSES) : object({ status: whole }))) },
  ),
};

const FLOW = object(
  { version: whole, name: text, start: text, nodes: list(object({ id: text, name: text, do: tagged(ACTIONS) })) },
  // The flows that it runs: the server has checked them.
  { language: text, flows: record(() => undefined) },
);

const DRAWING = object(
  {
    version: whole,
    nodes: record(object({ x: finite, y: finite }, { open: flag })),
    comments: list(object({ id: text, x: finite, y: finite, w: finite, h: finite, text })),
  },
  { viewport: object({ x: finite, y: finite, zoom: finite }) },
);

export type Parsed<T> = { ok: true; value: T } | { ok: false; problems: FormProblem[] };

export interface FormProblem extends ShapeProblem {
  /** The id of the node where it is, if it is in one that has an id. */
  node: string | null;
}

/** Checks the shape of a flow. What a shape cannot say (targets that exist, ranges) is in `validate`. */
export function parseFlow(raw: unknown): Parsed<Flow> {
  return parse<Flow>(FLOW, raw);
}

export function parseDrawing(raw: unknown): Parsed<Drawing> {
  return parse<Drawing>(DRAWING, raw);
}

function parse<T>(shape: Shape, raw: unknown): Parsed<T> {
  const problems: ShapeProblem[] = [];
  shape(raw, '', problems);
  if (problems.length === 0) return { ok: true, value: raw as T };
  return { ok: false, problems: problems.map((problem) => ({ ...problem, node: nodeAt(raw, problem.path) })) };
}

function nodeAt(raw: unknown, path: string): string | null {
  const index = /^nodes\.(\d+)(\.|$)/.exec(path)?.[1];
  if (index === undefined || !isObject(raw) || !Array.isArray(raw.nodes)) return null;
  const node: unknown = raw.nodes[Number(index)];
  return isObject(node) && typeof node.id === 'string' ? node.id : null;
}
