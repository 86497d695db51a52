// Times at which an event scenario of the domain is started. They outlive calls and restarts.
import * as raw from 'tandem:pbx/timers@0.2.0';
import { TimerError, answered } from './errors.ts';

/**
 * Sets a timer of the domain, or moves the one of this name: after `afterMs`, at most 400 days, the event scenario behind
 * `event:timer-NAME` is given an event of the kind `timer`, whose data has `name`, `due_ms` and `data` (at most 16,384
 * bytes).
 *
 * A name is 1 to 64 bytes: `a` to `z`, `0` to `9`, `-`, `_`, `.`; behind a `/` may stand more. What stands before the `/`
 * chooses the entry point: `reminder/4711` starts `event:timer-reminder`. A domain has at most 1,000 timers that wait.
 *
 * Throws {@link TimerError}.
 */
export function set(name: string, afterMs: number, data = ''): void {
  answered(TimerError, () => raw.set(name, Math.max(0, Math.round(afterMs)), data));
}

/** Takes a timer away and says whether one waited. What was due already is given all the same. Throws {@link TimerError}. */
export function cancel(name: string): boolean {
  return answered(TimerError, () => raw.cancel(name));
}
