// Time as the journal knows it: a replay sees the same. `Date` and `performance` read it too.
import * as raw from 'tandem:pbx/clock@0.2.0';

/** The wall clock in the domain's time zone. */
export interface LocalTime {
  year: number;
  /** 1 to 12 */
  month: number;
  /** 1 to 31 */
  day: number;
  /** 1 (Monday) to 7 (Sunday) */
  weekday: number;
  hour: number;
  minute: number;
  second: number;
  /** Difference from UTC, in seconds. */
  utcOffsetS: number;
}

/** Milliseconds since 1970-01-01T00:00:00Z. */
export function nowMs(): number {
  return Number(raw.nowMs());
}

/** The same moment in the domain's time zone. */
export function local(): LocalTime {
  return raw.local();
}

/** Waits, in milliseconds, up to 24 hours; more is taken for that. */
export function sleepMs(durationMs: number): void {
  raw.sleepMs(Math.min(Math.max(0, Math.round(durationMs)), 86_400_000));
}
