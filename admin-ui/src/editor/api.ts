import { csrfToken, sessionExpired } from '../api/client';
import { hasStatus, problemOf } from '../api/problem';
import type { Flow, FlowDocument, NodeId, Problem } from './model/index';

export interface Loaded {
  raw: unknown;
  etag: string;
}

/** A step of a call through a flow: one node, from when to when. */
export interface PathStep {
  node: NodeId;
  from_ms: number;
  to_ms: number | null;
}

export interface TestStep extends PathStep {
  name: string;
  heard: string[];
  digits: string;
  /** How the node was left: the name of the way. */
  went: string;
}

export interface TestResult {
  steps: TestStep[];
  /** `detail`: why the flow was broken off, where it was. */
  end: { cause: string; detail?: string };
}

export const OUTCOMES = ['answered', 'busy', 'no_answer', 'declined', 'unreachable', 'not_found', 'refused'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface TestCall {
  flow: Flow;
  caller: string;
  dialled: string;
  /** When the call is made, RFC 3339; absent: now. */
  at?: string;
  /** Digits, each so long after the one before; the first after the call's begin. */
  digits: { after_ms: number; digit: string }[];
  dials: Record<string, Outcome>;
}

export interface Names {
  users?: string[];
  prompts?: string[];
  schedules?: string[];
  flows?: string[];
  numbers?: string[];
}

export interface FlowApi {
  load(): Promise<Loaded>;
  /** `etag`: what was loaded; '': the flow is new. Gives the new one. */
  save(document: FlowDocument, etag: string): Promise<string>;
  check(flow: Flow): Promise<Problem[]>;
  test(call: TestCall): Promise<TestResult>;
  publish(note: string, numbers: string[]): Promise<{ version: string | number }>;
  /** The numbers that run it, whichever version. */
  running(): Promise<string[]>;
  names(): Promise<Names>;
}

/** The calls of the HTTP API that the editor of one flow makes. */
export function flowApi(domain: string, name: string): FlowApi {
  const base = `/api/v1/domains/${encodeURIComponent(domain)}`;
  const flow = `${base}/flows/${encodeURIComponent(name)}`;
  return {
    async load() {
      const response = await send('GET', flow);
      return { raw: await response.json(), etag: response.headers.get('ETag') ?? '' };
    },
    async save(document, etag) {
      const condition: Record<string, string> = etag === '' ? { 'If-None-Match': '*' } : { 'If-Match': etag };
      const response = await send('PUT', flow, document, condition);
      return response.headers.get('ETag') ?? '';
    },
    async check(given) {
      const response = await send('POST', `${base}/flows/check`, given);
      const { problems } = (await response.json()) as { problems: (Omit<Problem, 'args'> & { detail: string })[] };
      return problems.map((problem) => ({ ...problem, args: {} }));
    },
    async test(call) {
      const response = await send('POST', `${base}/flows/test`, call);
      return (await response.json()) as TestResult;
    },
    async publish(note, numbers) {
      const response = await send('POST', `${flow}/publish`, { note, numbers });
      return (await response.json()) as { version: string | number };
    },
    async running() {
      try {
        const response = await send('GET', `${base}/scenarios/${encodeURIComponent(name)}/versions`);
        const { versions } = (await response.json()) as { versions: { numbers: string[] }[] };
        return versions.flatMap(({ numbers }) => numbers);
      } catch (error) {
        // It was never published.
        if (hasStatus(error, 404)) return [];
        throw error;
      }
    },
    names: () => namesOf(base),
  };
}

async function send(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const sent: Record<string, string> = { Accept: 'application/json', ...headers };
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  if (method !== 'GET') sent['X-CSRF-Token'] = csrfToken();
  const response = await fetch(url, {
    method,
    headers: sent,
    credentials: 'same-origin',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.ok) return response;
  if (response.status === 401) sessionExpired();
  throw problemOf(response, await response.json().catch(() => undefined));
}

/** What a list could not be read of is not known: nothing is said about its names. */
async function namesOf(base: string): Promise<Names> {
  const list = async (path: string, key: string) => {
    try {
      return await all(`${base}/${path}`, key);
    } catch {
      return undefined;
    }
  };
  const [users, prompts, schedules, flows, numbers] = await Promise.all([
    list('users', 'name'),
    list('prompts', 'name'),
    list('schedules', 'name'),
    list('flows', 'name'),
    list('numbers', 'number'),
  ]);
  return {
    ...(users && { users }),
    ...(prompts && { prompts }),
    ...(schedules && { schedules }),
    ...(flows && { flows }),
    ...(numbers && { numbers }),
  };
}

/** Pages of a list that are read at most: 20,000 names are enough to choose from. */
const PAGES = 20;

async function all(url: string, key: string): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES; page += 1) {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const response = await send('GET', `${url}?limit=1000${query}`);
    const { items, next } = (await response.json()) as { items: Record<string, string>[]; next?: string | null };
    names.push(...items.flatMap((item) => item[key] ?? []));
    if (!next) return names;
    cursor = next;
  }
  // Not all of them: better none than to call the others unknown.
  throw new Error('too many names');
}
