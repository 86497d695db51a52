// Opening hours and holidays that the administrator set for the domain, by name.
import * as raw from 'tandem:pbx/schedule@0.2.0';
import { ScheduleError, answered } from './errors.ts';

/** What a schedule says of this moment. */
export interface Status {
  state: 'open' | 'closed' | 'holiday';
  /** Of `holiday`: its name. */
  holiday?: string;
  /** When that changes, in milliseconds since 1970-01-01T00:00:00Z; undefined: not within a year. */
  untilMs?: number;
}

/** What a schedule says of this moment. Throws {@link ScheduleError}. */
export function lookUp(name: string): Status {
  const { state, untilMs } = answered(ScheduleError, () => raw.lookUp(name));
  const status: Status = { state: state.tag };
  if (state.tag === 'holiday') {
    status.holiday = state.val;
  }
  if (untilMs !== null) {
    status.untilMs = untilMs;
  }
  return status;
}

/** Whether a schedule is open now. Throws {@link ScheduleError}. */
export function isOpen(name: string): boolean {
  return lookUp(name).state === 'open';
}
