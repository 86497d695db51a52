// The interfaces of `sdk-wit/wit` as componentize-qjs binds them: names in camel case, an absent option is null, a `u64`
// or `s64` is a number (exact up to 2^53), the error case of a result is thrown. What a function does is said there.

declare module 'tandem:pbx/types@0.2.0' {
  export interface Address {
    user: string;
    host: string;
    displayName: string;
  }
  export type Cause =
    | { tag: 'normal' | 'busy' | 'declined' | 'not-found' | 'forbidden' | 'unavailable' | 'congested' }
    | { tag: 'status'; val: number };
  export type CallProgressTone = 'dial' | 'ringback' | 'busy' | 'congestion' | 'special-information';
  export type Prompt =
    | { tag: 'file'; val: string }
    | { tag: 'progress'; val: { tone: CallProgressTone; durationMs: number } }
    | { tag: 'tone'; val: { firstHz: number; secondHz: number; durationMs: number } }
    | { tag: 'silence'; val: number }
    | { tag: 'speech'; val: { text: string; language: string } };
}

declare module 'tandem:pbx/leg@0.2.0' {
  import type { Address, Cause, Prompt } from 'tandem:pbx/types@0.2.0';

  export type LegError =
    | { tag: 'gone' }
    | { tag: 'wrong-state' | 'bad-argument' | 'media' | 'limit'; val: string };
  export interface CollectRule {
    prompts: Prompt[];
    bargeIn: boolean;
    min: number;
    max: number;
    terminators: string;
    firstDigitTimeoutMs: number;
    interDigitTimeoutMs: number;
  }
  export interface Collected {
    digits: string;
    complete: boolean;
    end: 'full' | 'terminator' | 'timeout';
  }
  export class Leg {
    private constructor();
    peer(): Address;
    local(): Address;
    header(name: string): string[];
    ring(): void;
    earlyMedia(): void;
    answer(): void;
    play(prompts: Prompt[]): 'finished' | 'stopped';
    collect(rule: CollectRule): Collected;
    sendDigits(digits: string): void;
    hangUp(cause: Cause): void;
    [Symbol.dispose](): void;
  }
}

declare module 'tandem:pbx/dial@0.2.0' {
  import type { Leg } from 'tandem:pbx/leg@0.2.0';
  import type { Address } from 'tandem:pbx/types@0.2.0';

  export type Target = { tag: 'user'; val: string } | { tag: 'number'; val: string };
  export interface DialOptions {
    strategy: 'parallel' | 'in-turn';
    timeoutMs: number;
    callerId: Address | null;
    ringback: boolean;
  }
  export type DialFailure =
    | { tag: 'not-found' | 'media' | 'bad-argument' | 'limit'; val: string }
    | { tag: 'unreachable' | 'busy' | 'no-answer' | 'declined' | 'caller-gone' }
    | { tag: 'rejected'; val: [number, string] };
  export function dial(caller: Leg, targets: Target[], options: DialOptions): Leg;
}

declare module 'tandem:pbx/bridge@0.2.0' {
  import type { Leg } from 'tandem:pbx/leg@0.2.0';

  export type BridgeEnd = 'first-hung-up' | 'second-hung-up' | 'lost';
  export function bridge(first: Leg, second: Leg): BridgeEnd;
}

declare module 'tandem:pbx/recording@0.2.0' {
  import type { Leg } from 'tandem:pbx/leg@0.2.0';

  export type RecordingError =
    | { tag: 'gone' }
    | { tag: 'wrong-state' | 'bad-argument' | 'media' | 'storage' | 'limit'; val: string };
  export type Side = 'peer' | 'both';
  export interface RecordRule {
    beep: boolean;
    lengthMs: number;
    silenceMs: number;
    stopDigits: string;
    pauseDigit: string;
  }
  export interface Recording {
    name: string;
    durationMs: number;
    bytes: number;
  }
  export type RecordEnd =
    | { tag: 'length' | 'silence' | 'digit' | 'leg-gone' | 'finished' }
    | { tag: 'storage'; val: string };
  export interface Recorded {
    recording: Recording;
    end: RecordEnd;
    digit: string;
  }
  export class Recorder {
    private constructor();
    pause(): void;
    resume(): void;
    finish(): Recorded;
    [Symbol.dispose](): void;
  }
  export function record(leg: Leg, rule: RecordRule): Recorded;
  export function start(leg: Leg, side: Side, lengthMs: number): Recorder;
  function remove(name: string): void;
  export { remove as delete };
}

declare module 'tandem:pbx/hold@0.2.0' {
  import type { Leg } from 'tandem:pbx/leg@0.2.0';

  export function hold(leg: Leg): void;
  export function resume(leg: Leg): void;
}

declare module 'tandem:pbx/checkpoint@0.2.0' {
  import type { Leg } from 'tandem:pbx/leg@0.2.0';

  export interface Saved {
    state: Uint8Array;
    legs: Leg[];
  }
  export type CheckpointError = { tag: 'bad-argument'; val: string } | { tag: 'no-call' };
  export function load(): Saved | undefined;
  export function renew(state: Uint8Array): void;
}

declare module 'tandem:pbx/transfer@0.2.0' {
  import type { Leg } from 'tandem:pbx/leg@0.2.0';

  export type TransferTarget = { tag: 'number'; val: string } | { tag: 'uri'; val: string };
  export type TransferFailure =
    | { tag: 'gone' | 'timed-out' }
    | { tag: 'wrong-state' | 'bad-argument' | 'limit'; val: string }
    | { tag: 'not-accepted' | 'failed'; val: [number, string] };
  export function transfer(leg: Leg, target: TransferTarget, timeoutMs: number): void;
}

declare module 'tandem:pbx/message@0.2.0' {
  import type { Address } from 'tandem:pbx/types@0.2.0';

  export interface Delivery {
    accepted: number;
    devices: number;
  }
  export type MessageFailure =
    | { tag: 'no-device' | 'timed-out' | 'unavailable' }
    | { tag: 'not-found' | 'bad-argument' | 'limit'; val: string }
    | { tag: 'refused'; val: [number, string] };
  export function send(user: string, text: string, sender: Address | null): Delivery;
}

declare module 'tandem:pbx/directory@0.2.0' {
  export interface User {
    name: string;
    displayName: string;
    registered: boolean;
  }
  export function findUser(number: string): User | null;
}

declare module 'tandem:pbx/config@0.2.0' {
  export function document(): string;
  export function entryPoint(): string;
  export function domain(): string;
}

declare module 'tandem:pbx/key-value@0.2.0' {
  export type KvError = { tag: 'bad-argument' | 'full'; val: string } | { tag: 'not-a-number' | 'unavailable' };
  export function get(key: string): Uint8Array | null;
  export function set(key: string, value: Uint8Array): void;
  function remove(key: string): boolean;
  export { remove as delete };
  export function increment(key: string, by: number): number;
  export function keys(prefix: string, after: string, limit: number): string[];
}

declare module 'tandem:pbx/clock@0.2.0' {
  export interface LocalTime {
    year: number;
    month: number;
    day: number;
    weekday: number;
    hour: number;
    minute: number;
    second: number;
    utcOffsetS: number;
  }
  export function nowMs(): number;
  export function local(): LocalTime;
  export function sleepMs(durationMs: number): void;
}

declare module 'tandem:pbx/random@0.2.0' {
  export function next(): number;
}

declare module 'tandem:pbx/log@0.2.0' {
  export type Level = 'debug' | 'info' | 'warn' | 'error';
  export function write(level: Level, text: string): void;
}

declare module 'tandem:pbx/trace@0.2.0' {
  export function step(id: string, name: string): void;
}

declare module 'tandem:pbx/http@0.2.0' {
  export type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete';
  export type HeaderValue =
    | { tag: 'text'; val: string }
    | { tag: 'secret'; val: { name: string; prefix: string } };
  export interface Header {
    name: string;
    value: HeaderValue;
  }
  export interface Request {
    method: Method;
    url: string;
    headers: Header[];
    body: Uint8Array;
    timeoutMs: number;
    retries: number;
  }
  export interface Response {
    status: number;
    headers: [string, string][];
    body: Uint8Array;
  }
  export type HttpError =
    | { tag: 'not-allowed' | 'too-large' | 'connect' | 'tls' | 'bad-argument' | 'limit'; val: string }
    | { tag: 'private-address' | 'time-out' };
  export function send(request: Request): Response;
}

declare module 'tandem:pbx/schedule@0.2.0' {
  export type State = { tag: 'open' | 'closed' } | { tag: 'holiday'; val: string };
  export interface Status {
    state: State;
    untilMs: number | null;
  }
  export type ScheduleError = 'not-found' | 'unavailable';
  export function lookUp(name: string): Status;
}

declare module 'tandem:pbx/metrics@0.2.0' {
  export type MetricError = { tag: 'bad-argument' | 'limit'; val: string };
  export function count(name: string, by: number): void;
  export function gauge(name: string, value: number): void;
  export function observe(name: string, value: number): void;
}

declare module 'tandem:pbx/contacts@0.2.0' {
  export interface ContactNumber {
    label: string;
    number: string;
  }
  export interface Contact {
    name: string;
    company: string;
    email: string;
    note: string;
    numbers: ContactNumber[];
  }
  export type ContactsError = { tag: 'bad-argument'; val: string } | { tag: 'unavailable' };
  export function findByNumber(number: string): Contact | null;
  export function search(text: string, limit: number): Contact[];
}

declare module 'tandem:pbx/mail@0.2.0' {
  export interface Message {
    to: string[];
    subject: string;
    text: string;
    html: string | null;
    attachments: string[];
  }
  export type MailError = {
    tag: 'not-found' | 'refused' | 'unavailable' | 'bad-argument' | 'limit';
    val: string;
  };
  export function send(message: Message): string;
}

declare module 'tandem:pbx/voicemail@0.2.0' {
  import type { Address } from 'tandem:pbx/types@0.2.0';

  export type State = 'new' | 'heard' | 'saved';
  export interface Message {
    id: number;
    recording: string;
    caller: Address;
    storedMs: number;
    durationMs: number;
    state: State;
  }
  export interface Counts {
    new: number;
    heard: number;
    saved: number;
  }
  export type VoicemailError =
    | { tag: 'no-box' | 'not-found' | 'unavailable' }
    | { tag: 'full' | 'bad-argument'; val: string };
  export function store(box: string, recording: string, caller: Address, durationMs: number): Message;
  export function list(box: string, state: State | null, offset: number, limit: number): Message[];
  export function mark(box: string, id: number, state: State): void;
  function remove(box: string, id: number): void;
  export { remove as delete };
  export function count(box: string): Counts;
}

declare module 'tandem:pbx/originate@0.2.0' {
  import type { Target } from 'tandem:pbx/dial@0.2.0';
  import type { Address } from 'tandem:pbx/types@0.2.0';

  export interface CallOptions {
    callerId: Address | null;
    ringMs: number;
  }
  export type OriginateFailure =
    | { tag: 'not-found' | 'no-entry-point' | 'bad-argument' | 'limit'; val: string }
    | { tag: 'unavailable' };
  export function call(target: Target, entryPoint: string, data: string, options: CallOptions): string;
  export function data(): string | null;
}

declare module 'tandem:pbx/pickup@0.2.0' {
  import type { Leg } from 'tandem:pbx/leg@0.2.0';

  export type PickUpFailure =
    | { tag: 'gone' | 'nothing-rings' }
    | { tag: 'wrong-state' | 'bad-argument' | 'limit'; val: string };
  export function pickUp(picker: Leg, users: string[]): Leg;
}

declare module 'tandem:pbx/timers@0.2.0' {
  export type TimerError =
    | { tag: 'no-entry-point' | 'bad-argument' | 'limit'; val: string }
    | { tag: 'unavailable' };
  export function set(name: string, afterMs: number, data: string): void;
  export function cancel(name: string): boolean;
}

declare module 'tandem:pbx/deadline@0.2.0' {
  export function set(afterMs: number): void;
  export function clear(): void;
  export function passed(): boolean;
}

declare module 'tandem:pbx/leg-events@0.2.0' {
  import type { Leg } from 'tandem:pbx/leg@0.2.0';

  export type LegEvent = { tag: 'digit'; val: [number, string] } | { tag: 'gone'; val: number } | { tag: 'timeout' };
  export type BridgeUntilEnd =
    | { tag: 'digit'; val: string }
    | { tag: 'first-hung-up' | 'second-hung-up' | 'lost' };
  export function wait(legs: Leg[], timeoutMs: number): LegEvent;
  export function bridgeUntil(first: Leg, second: Leg, digits: string): BridgeUntilEnd;
}
