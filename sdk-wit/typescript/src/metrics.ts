// Numbers for the administrator's monitoring. Names are of 1 to 63 characters out of `a-z0-9_`, beginning with a letter.
import * as raw from 'tandem:pbx/metrics@0.2.0';
import { MetricError, answered } from './errors.ts';

/** Adds to a counter. Throws {@link MetricError}. */
export function count(name: string, by = 1): void {
  answered(MetricError, () => raw.count(name, by));
}

/** Sets a gauge to a finite number. Throws {@link MetricError}. */
export function gauge(name: string, value: number): void {
  answered(MetricError, () => raw.gauge(name, value));
}

/** Adds a finite number to a distribution. Throws {@link MetricError}. */
export function observe(name: string, value: number): void {
  answered(MetricError, () => raw.observe(name, value));
}
