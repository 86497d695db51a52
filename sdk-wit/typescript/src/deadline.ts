// One time limit for all that a scenario waits for.
import * as raw from 'tandem:pbx/deadline@0.2.0';

/**
 * Sets the deadline, in the place of the one before; more than 24 hours is taken for that. When it has passed, what the
 * scenario waits for ends, and what would wait ends at once, until `set` or `clear`: playing, collecting, dialling, bridges,
 * transfers, HTTP and `legEvents` with an error of the kind `limit`, a recording with what there is, a sleep by returning.
 * Legs stay up.
 */
export function set(afterMs: number): void {
  raw.set(Math.min(86_400_000, Math.max(0, Math.round(afterMs))));
}

/** Takes the deadline away. */
export function clear(): void {
  raw.clear();
}

/** Whether there is a deadline, and it has passed. */
export function passed(): boolean {
  return raw.passed();
}
