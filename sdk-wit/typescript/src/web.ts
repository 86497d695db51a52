// What comes over HTTP to a web scenario, and what it answers.
import { fail } from './failure.ts';
import { register, run } from './registry.ts';
import { begin } from './sandbox.ts';
import { decode, encode } from './utf8.ts';

interface RawHeader {
  name: string;
  value: string;
}

interface RawRequest {
  method: string;
  path: string;
  query: string;
  headers: RawHeader[];
  body: Uint8Array;
  peer: string;
}

interface RawResponse {
  status: number;
  headers: RawHeader[];
  body: Uint8Array;
}

/** What came over HTTP to `/s/DOMAIN/PATH`. */
export class WebRequest {
  /** `GET`, `POST` …, in upper case. */
  readonly method: string;
  /** The path behind `/s/DOMAIN`, which begins with `/`, unescaped. */
  readonly path: string;
  /** What stands behind `?`, as it was sent; empty: nothing. */
  readonly query: string;
  /** Names in lower case, with their values; cookies are never shown. */
  readonly headers: [string, string][];
  /** At most 1 MiB. */
  readonly body: Uint8Array;
  /** The address that the request came from: the one of a reverse proxy, where there is one. */
  readonly peer: string;

  constructor(raw: RawRequest) {
    this.method = raw.method;
    this.path = raw.path;
    this.query = raw.query;
    this.headers = raw.headers.map(({ name, value }) => [name, value]);
    this.body = raw.body;
    this.peer = raw.peer;
  }

  /** The first value of a header, whatever the case of its name. */
  header(name: string): string | undefined {
    const lower = name.toLowerCase();
    return this.headers.find(([own]) => own.toLowerCase() === lower)?.[1];
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

/** What is answered. */
export class WebResponse {
  /** 200 to 599; anything else is answered by 502. */
  readonly status: number;
  /** Names and values, at most 100. */
  readonly headers: readonly [string, string][];
  /** At most 4 MiB. */
  readonly body: Uint8Array;

  constructor(status: number, headers: Record<string, string> | [string, string][] = {}, body: Uint8Array | string = '') {
    this.status = status;
    this.headers = Array.isArray(headers) ? headers : Object.entries(headers);
    this.body = typeof body === 'string' ? encode(body) : body;
  }

  /** Plain text. */
  static text(status: number, text: string): WebResponse {
    return new WebResponse(status, { 'content-type': 'text/plain; charset=utf-8' }, text);
  }

  /** A value as JSON. */
  static json(status: number, value: unknown): WebResponse {
    return new WebResponse(status, { 'content-type': 'application/json' }, JSON.stringify(value));
  }

  /** A page. */
  static html(status: number, html: string): WebResponse {
    return new WebResponse(status, { 'content-type': 'text/html; charset=utf-8' }, html);
  }

  /** Nothing but a status, such as 204. */
  static empty(status: number): WebResponse {
    return new WebResponse(status);
  }

  /** The same with another header. */
  withHeader(name: string, value: string): WebResponse {
    return new WebResponse(this.status, [...this.headers, [name, value]], this.body);
  }
}

/** Answers one request, within 30 seconds; then the client gets 504. */
export type WebHandler = (request: WebRequest) => WebResponse;

/**
 * Makes `handler` the web scenario of this module; call it once, at the top level. The project's package.json says
 * `"tandem": { "world": "web-scenario" }`.
 *
 * What it throws goes to the scenario's log with its message, file, line and stack, and is answered by 500 without its
 * text.
 */
export function webScenario(handler: WebHandler): void {
  register('web-scenario', handler);
}

/** What the host calls: the export `web-handler` of the world. The builder's entry exports it. */
export const webHandler = {
  handle(raw: RawRequest): RawResponse {
    begin();
    try {
      const answer = run(new WebRequest(raw));
      if (!(answer instanceof WebResponse)) {
        throw new TypeError('the handler returned no WebResponse');
      }
      return {
        status: answer.status,
        headers: answer.headers.map(([name, value]) => ({ name, value })),
        body: answer.body,
      };
    } catch (error) {
      fail(error);
    }
  },
};
