// Requests to web services, as far as the administrator allows: a domain reaches the hosts on its list and no others.
import * as raw from 'tandem:pbx/http@0.2.0';
import { HttpError, answered } from './errors.ts';
import { decode, encode } from './utf8.ts';

/** A secret of the domain in a header: the host puts it in, the scenario never sees it. */
export interface Secret {
  /** Its name, as the administrator set it. */
  secret: string;
  /** What stands before it, such as `Bearer ` with its space. */
  prefix?: string;
}

export type Method = raw.Method;

/** How a request is made. */
export interface RequestOptions {
  /** At most 32, each of printable ASCII or a secret. */
  headers?: Record<string, string | Secret>;
  /** Shows this secret as a bearer token: `Authorization: Bearer …`. */
  bearer?: string;
  /** For all of it, with redirects and repetitions, in milliseconds: 1 to 60,000, by default 5,000. */
  timeoutMs?: number;
  /** How many times it is made again at most where that does no harm, 0 to 5; by default 0. */
  retries?: number;
}

/** What came back, whatever its status. */
export class Response {
  /** The final status, 200 to 599. */
  readonly status: number;
  /** Names in lower case, with their values. */
  readonly headers: [string, string][];
  /** At most 256 KiB. */
  readonly body: Uint8Array;

  constructor(response: raw.Response) {
    this.status = response.status;
    this.headers = response.headers;
    this.body = response.body;
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The first value of a header, whatever the case of its name. */
  header(name: string): string | undefined {
    const lower = name.toLowerCase();
    return this.headers.find(([own]) => own === lower)?.[1];
  }

  /** The body as UTF-8 text. */
  text(): string {
    return decode(this.body);
  }

  /** The body as JSON. Throws where it is none. */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

/**
 * Sends a request and gives the response. One that is neither `get` nor `head` carries the header `Idempotency-Key`, the
 * same for every repetition. Throws {@link HttpError}.
 */
export function send(
  method: Method,
  url: string,
  body: Uint8Array | string = '',
  options: RequestOptions = {},
): Response {
  const { bearer, timeoutMs = 5_000, retries = 0 } = options;
  const headers: raw.Header[] = Object.entries(options.headers ?? {}).map(([name, value]) => ({
    name,
    value:
      typeof value === 'string'
        ? { tag: 'text', val: value }
        : { tag: 'secret', val: { name: value.secret, prefix: value.prefix ?? '' } },
  }));
  if (bearer !== undefined) {
    headers.push({ name: 'Authorization', value: { tag: 'secret', val: { name: bearer, prefix: 'Bearer ' } } });
  }
  const bytes = typeof body === 'string' ? encode(body) : body;
  const request = { method, url, headers, body: bytes, timeoutMs, retries };
  return new Response(answered(HttpError, () => raw.send(request)));
}

/** Reads. Throws {@link HttpError}. */
export function get(url: string, options: RequestOptions = {}): Response {
  return send('get', url, '', options);
}

/** Lets the service do something; say what the body is by the header `Content-Type`. Throws {@link HttpError}. */
export function post(url: string, body: Uint8Array | string, options: RequestOptions = {}): Response {
  return send('post', url, body, options);
}

/** Reads JSON. Throws {@link HttpError}, or an Error where the status is no success or the body no JSON. */
export function getJson(url: string, options: RequestOptions = {}): unknown {
  return jsonOf(get(url, withHeaders(options, { Accept: 'application/json' })));
}

/** Posts JSON and reads what comes back, as {@link getJson}; an empty body is undefined. */
export function postJson(url: string, value: unknown, options: RequestOptions = {}): unknown {
  const headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
  return jsonOf(post(url, JSON.stringify(value), withHeaders(options, headers)));
}

function withHeaders(options: RequestOptions, headers: Record<string, string>): RequestOptions {
  return { ...options, headers: { ...headers, ...options.headers } };
}

function jsonOf(response: Response): unknown {
  if (!response.ok) {
    throw new Error(`http: the service refuses: ${response.status}`);
  }
  return response.body.length === 0 ? undefined : response.json();
}
