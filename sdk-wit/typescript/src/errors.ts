import type { LegError as RawLegError } from 'tandem:pbx/leg@0.2.0';
import type { DialFailure as RawDialFailure } from 'tandem:pbx/dial@0.2.0';
import type { KvError as RawKvError } from 'tandem:pbx/key-value@0.2.0';
import type { RecordingError as RawRecordingError } from 'tandem:pbx/recording@0.2.0';
import type { TransferFailure as RawTransferFailure } from 'tandem:pbx/transfer@0.2.0';
import type { MessageFailure as RawMessageFailure } from 'tandem:pbx/message@0.2.0';
import type { HttpError as RawHttpError } from 'tandem:pbx/http@0.2.0';
import type { ScheduleError as RawScheduleError } from 'tandem:pbx/schedule@0.2.0';
import type { MetricError as RawMetricError } from 'tandem:pbx/metrics@0.2.0';
import type { ContactsError as RawContactsError } from 'tandem:pbx/contacts@0.2.0';
import type { CheckpointError as RawCheckpointError } from 'tandem:pbx/checkpoint@0.2.0';
import type { MailError as RawMailError } from 'tandem:pbx/mail@0.2.0';
import type { VoicemailError as RawVoicemailError } from 'tandem:pbx/voicemail@0.2.0';
import type { OriginateFailure as RawOriginateFailure } from 'tandem:pbx/originate@0.2.0';
import type { PickUpFailure as RawPickUpFailure } from 'tandem:pbx/pickup@0.2.0';
import type { TimerError as RawTimerError } from 'tandem:pbx/timers@0.2.0';
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

/** Why a scenario does not begin anew. */
export class CheckpointError extends Error {
  readonly kind: RawCheckpointError['tag'];

  constructor(raw: RawCheckpointError) {
    super('val' in raw ? `renew: ${raw.val}` : 'renew: there is no call');
    this.name = 'CheckpointError';
    this.kind = raw.tag;
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

/** What can go wrong with a recording. `kind` says what; `message` says it in words. */
export class RecordingError extends Error {
  /** `gone`: the leg was over, and nothing was recorded. */
  readonly kind: RawRecordingError['tag'];

  constructor(raw: RawRecordingError) {
    super(raw.tag === 'gone' ? 'recording: the peer hung up' : `recording: ${words(raw.tag)}: ${raw.val}`);
    this.name = 'RecordingError';
    this.kind = raw.tag;
  }
}

/** Why there is no response to an HTTP request. */
export class HttpError extends Error {
  /** `private-address`: the host is where only the server's machine or network reaches. */
  readonly kind: RawHttpError['tag'];

  constructor(raw: RawHttpError) {
    super('val' in raw ? `http: ${words(raw.tag)}: ${raw.val}` : `http: ${words(raw.tag)}`);
    this.name = 'HttpError';
    this.kind = raw.tag;
  }
}

/** Why a schedule says nothing. */
export class ScheduleError extends Error {
  readonly kind: RawScheduleError;

  constructor(raw: RawScheduleError) {
    super(`schedule: ${words(raw)}`);
    this.name = 'ScheduleError';
    this.kind = raw;
  }
}

/** Why a number was not taken. */
export class MetricError extends Error {
  readonly kind: RawMetricError['tag'];

  constructor(raw: RawMetricError) {
    super(`metrics: ${words(raw.tag)}: ${raw.val}`);
    this.name = 'MetricError';
    this.kind = raw.tag;
  }
}

/** Why the address book was not read. */
export class ContactsError extends Error {
  readonly kind: RawContactsError['tag'];

  constructor(raw: RawContactsError) {
    super('val' in raw ? `contacts: ${words(raw.tag)}: ${raw.val}` : `contacts: ${words(raw.tag)}`);
    this.name = 'ContactsError';
    this.kind = raw.tag;
  }
}

/** Why a mail was not sent. */
export class MailError extends Error {
  /** `not-found`: there is no such recording. */
  readonly kind: RawMailError['tag'];

  constructor(raw: RawMailError) {
    super(`mail: ${words(raw.tag)}: ${raw.val}`);
    this.name = 'MailError';
    this.kind = raw.tag;
  }
}

/** Why a voicemail box did not do it. */
export class VoicemailError extends Error {
  /** `no-box`: there is no box of this name; `not-found`: no such message or recording. */
  readonly kind: RawVoicemailError['tag'];

  constructor(raw: RawVoicemailError) {
    super('val' in raw ? `voicemail: ${words(raw.tag)}: ${raw.val}` : `voicemail: ${words(raw.tag)}`);
    this.name = 'VoicemailError';
    this.kind = raw.tag;
  }
}

/** Why a transfer failed. */
export class TransferFailure extends Error {
  readonly kind: RawTransferFailure['tag'];
  /** Of `not-accepted` and `failed`: the status. */
  readonly status?: number;

  constructor(raw: RawTransferFailure) {
    super(`transfer: ${refusalWords(raw)}`);
    this.name = 'TransferFailure';
    this.kind = raw.tag;
    if (raw.tag === 'not-accepted' || raw.tag === 'failed') {
      this.status = raw.val[0];
    }
  }
}

/** Why no device accepted a message. */
export class MessageFailure extends Error {
  readonly kind: RawMessageFailure['tag'];
  /** Of `refused`: the greatest final status. */
  readonly status?: number;

  constructor(raw: RawMessageFailure) {
    super(`message: ${refusalWords(raw)}`);
    this.name = 'MessageFailure';
    this.kind = raw.tag;
    if (raw.tag === 'refused') {
      this.status = raw.val[0];
    }
  }
}

/** Why no call was originated. */
export class OriginateFailure extends Error {
  readonly kind: RawOriginateFailure['tag'];

  constructor(raw: RawOriginateFailure) {
    super(`originate: ${refusalWords(raw)}`);
    this.name = 'OriginateFailure';
    this.kind = raw.tag;
  }
}

/** Why nothing was picked up. */
export class PickUpFailure extends Error {
  /** `nothing-rings`: no call rings at any of the users, or somebody else was quicker. */
  readonly kind: RawPickUpFailure['tag'];

  constructor(raw: RawPickUpFailure) {
    super(`pick-up: ${refusalWords(raw)}`);
    this.name = 'PickUpFailure';
    this.kind = raw.tag;
  }
}

/** Why a timer was not set or cancelled. */
export class TimerError extends Error {
  /** `no-entry-point`: the domain has none that the timer would start. */
  readonly kind: RawTimerError['tag'];

  constructor(raw: RawTimerError) {
    super(`timer: ${refusalWords(raw)}`);
    this.name = 'TimerError';
    this.kind = raw.tag;
  }
}

function refusalWords(raw: { tag: string; val?: string | [number, string] }): string {
  const why = Array.isArray(raw.val) ? raw.val.join(' ') : raw.val;
  return why === undefined ? words(raw.tag) : `${words(raw.tag)}: ${why}`;
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
