// What JavaScript brings of its own and a scenario must not have: replaced by what the journal knows, or by an error
// that says what to do instead. Imported before anything of the scenario's.
//
// A module's top level runs once, while it is built; each call begins with a copy of what it left. So nothing of the
// host, no time and no chance is there yet.
import * as clock from './clock.ts';
import * as log from './log.ts';
import { next } from './random.ts';
import { inspect } from './inspect.ts';

let inCall = false;

/** The handler begins: from here on the host answers. */
export function begin(): void {
  inCall = true;
}

function onlyInCall(what: string): void {
  if (!inCall) {
    throw new Error(
      `${what} at the top level of a module: that runs while the scenario is built, once for all calls; use it in the handler`,
    );
  }
}

function replace(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

// ---- console ----

function line(level: log.Level) {
  return (...values: unknown[]): void => {
    // While the scenario is built there is no log, and a library that greets must not fail for it.
    if (inCall) {
      log.write(level, values.map(inspect).join(' '));
    }
  };
}

replace('console', {
  debug: line('debug'),
  log: line('info'),
  info: line('info'),
  warn: line('warn'),
  error: line('error'),
  trace: line('debug'),
  dir: line('info'),
  assert(holds: unknown, ...values: unknown[]): void {
    if (!holds) {
      globalThis.console.error('Assertion failed', ...values);
    }
  },
});

// ---- chance ----

Math.random = () => {
  onlyInCall('Math.random()');
  return next() / 2 ** 53;
};

function fillRandom<T extends ArrayBufferView>(array: T): T {
  onlyInCall('crypto.getRandomValues()');
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  // Six whole bytes of each draw, the highest first.
  for (let at = 0; at < bytes.length; at += 6) {
    let bits = next() / 2 ** 53;
    for (let i = at; i < Math.min(at + 6, bytes.length); i += 1) {
      bits *= 256;
      bytes[i] = Math.floor(bits);
      bits -= Math.floor(bits);
    }
  }
  return array;
}

function randomUuid(): string {
  const bytes = fillRandom(new Uint8Array(16));
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40; // version 4
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80; // variant of RFC 9562
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

// `subtle` stays out: its keys would be made from the engine's own generator, which is the same in every call.
replace('crypto', { getRandomValues: fillRandom, randomUUID: randomUuid });

// ---- time ----

const BuiltInDate = Date;

function now(): number {
  onlyInCall('the time');
  return clock.nowMs();
}

function JournalDate(this: unknown, ...values: unknown[]): unknown {
  if (!new.target) {
    return new BuiltInDate(now()).toString();
  }
  return Reflect.construct(BuiltInDate, values.length === 0 ? [now()] : values, new.target);
}
JournalDate.prototype = BuiltInDate.prototype;
JournalDate.now = now;
JournalDate.parse = BuiltInDate.parse;
JournalDate.UTC = BuiltInDate.UTC;
BuiltInDate.prototype.constructor = JournalDate;
replace('Date', JournalDate);

let origin: number | undefined;
replace('performance', {
  /** Milliseconds since this was first asked. */
  now(): number {
    const at = now();
    origin ??= at;
    return at - origin;
  },
  get timeOrigin(): number {
    origin ??= now();
    return origin;
  },
});

// ---- what is not there ----

function absent(name: string, instead: string): void {
  replace(name, () => {
    throw new Error(`${name} is not there in a scenario: ${instead}`);
  });
}

const WAIT = 'nothing runs beside the handler; wait with clock.sleepMs(…)';
absent('setTimeout', WAIT);
absent('setInterval', WAIT);
absent('clearTimeout', WAIT);
absent('clearInterval', WAIT);
absent('fetch', 'it has no network; what it may ask for is in @tandem/scenario');
