import type { LegError as RawLegError } from 'tandem:pbx/leg@0.2.0';
import type { DialFailure as RawDialFailure } from 'tandem:pbx/dial@0.2.0';
import type { KvError as RawKvError } from 'tandem:pbx/key-value@0.2.0';
import type { Leg } from './leg.ts';

/** What can go wrong on a leg. `kind` says what; `message` says it in words. */
export class LegError extends Error {
  /** `gone`: the peer hung up, or the leg was ended; nothing more can be done on it. */
  readonly kind: RawLegError['tag'];
  /** The leg, where only one can be meant. */
  leg?: Leg;

  constructor(raw: RawLegError) {
    super(raw.tag === 'gone' ? 'leg: the peer hung up' : `leg: ${words(raw.tag)}: ${raw.val}`);
    this.name = 'LegError';
    this.kind = raw.tag;
  }
}

/** Why nobody answered; with several targets, the reason that says most (busy over no answer over unreachable). */
export class DialFailure extends Error {
  readonly kind: RawDialFailure['tag'];
  /** Of `rejected`: the final status. */
  readonly status?: number;

  constructor(raw: RawDialFailure) {
    super(`dial: ${dialWords(raw)}`);
    this.name = 'DialFailure';
    this.kind = raw.tag;
    if (raw.tag === 'rejected') {
      this.status = raw.val[0];
    }
  }
}

/** Why the key-value store did not do it. */
export class KvError extends Error {
  readonly kind: RawKvError['tag'];

  constructor(raw: RawKvError) {
    super('val' in raw ? `key-value: ${words(raw.tag)}: ${raw.val}` : `key-value: ${words(raw.tag)}`);
    this.name = 'KvError';
    this.kind = raw.tag;
  }
}

function words(tag: string): string {
  return tag.replaceAll('-', ' ');
}

function dialWords(raw: RawDialFailure): string {
  switch (raw.tag) {
    case 'not-found':
      return `${raw.val} leads to nobody`;
    case 'unreachable':
      return 'no device could be reached';
    case 'rejected':
      return `rejected with ${raw.val[0]} ${raw.val[1]}`;
    case 'caller-gone':
      return 'the caller hung up';
    case 'busy':
    case 'no-answer':
    case 'declined':
      return words(raw.tag);
    case 'media':
    case 'bad-argument':
    case 'limit':
      return `${words(raw.tag)}: ${raw.val}`;
  }
}

/** Asks the host, and throws its typed error as one of ours. */
export function answered<T, Raw>(Kind: new (raw: Raw) => Error, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw isRefusal<Raw>(error) ? new Kind(error.payload) : error;
  }
}

// What the binding throws for the error case of a WIT `result`.
function isRefusal<Raw>(error: unknown): error is { payload: Raw } {
  return typeof error === 'object' && error !== null && 'payload' in error;
}
