/** What a refused request is told (RFC 9457). `fields`: by pointer without its first slash, and by the first part of that. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly fields: Record<string, string> = {},
    readonly codeNeeded = false,
    readonly retryAfterS: number | null = null,
    /** Everything that is wrong with a component, a flow or an archive. */
    readonly problems: Wrong[] = [],
  ) {
    super(detail);
  }
}

/** `at`: the part of an archive. */
export type Wrong = { code?: string; at?: string; detail: string };

type Body = {
  title?: string; detail?: string; code_needed?: boolean; errors?: { pointer: string; detail: string }[];
  problems?: Wrong[];
};

/** Whether the server refused, with one of these statuses. */
export function hasStatus(error: unknown, ...statuses: number[]): boolean {
  return error instanceof Problem && statuses.includes(error.status);
}

/** The problem of a response that was not good; a body that is no problem document gives its status alone. */
export function problemOf(response: Response, error: unknown): Problem {
  const body = (typeof error === 'object' && error !== null ? error : {}) as Body;
  const fields: Record<string, string> = {};
  for (const { pointer, detail } of body.errors ?? []) {
    const path = pointer.replace(/^\//, '');
    fields[path] ??= detail;
    fields[path.split('/')[0] ?? ''] ??= detail;
  }
  const wait = Number(response.headers.get('Retry-After'));
  const words = body.detail ?? body.title ?? `${response.status} ${response.statusText}`;
  return new Problem(response.status, words, fields, body.code_needed === true, wait > 0 ? wait : null, body.problems ?? []);
}
