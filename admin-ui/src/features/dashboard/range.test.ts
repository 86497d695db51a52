import { expect, test } from 'vitest';

import { FIGURES, type Point, rangeOf, spanOf } from './range';

const now = new Date('2026-11-29T12:00:00Z');

test('a range goes up to now', () => {
  expect(spanOf('24h', '', '', now)).toEqual({ since: '2026-11-28T12:00:00.000Z', until: '2026-11-29T12:00:00.000Z' });
  expect(rangeOf('7d')).toBe('7d');
  expect(rangeOf('9d')).toBe('1h');
});

test('days of one’s own are whole, and end now at the latest', () => {
  const span = spanOf('custom', '2026-11-01', '2026-11-02', now);
  expect(Date.parse(span?.until ?? '') - Date.parse(span?.since ?? '')).toBe(2 * 86_400_000);
  expect(spanOf('custom', '2026-11-01', '2027-01-01', now)?.until).toBe(now.toISOString());
  for (const [from, to] of [['', ''], ['2026-11-02', '2026-10-01'], ['2027-01-01', '2027-01-02']] as const) {
    expect(spanOf('custom', from, to, now)).toBeNull();
  }
});

test('what is counted becomes a rate or a share', () => {
  const point: Point = {
    at: now.toISOString(), registrations: 3, calls_active: 2, calls_begun: 30, calls_ended: 4, calls_answered: 3,
    scenario_failures: 1, cpu_us: 30_000_000, memory_peak_bytes: 65_536,
  };
  const of = (key: string, from = point) => FIGURES.find((figure) => figure.key === key)?.value(from, 300);
  expect(of('callsPerMinute')).toBe(6);
  expect(of('answeredShare')).toBe(0.75);
  expect(of('answeredShare', { ...point, calls_ended: 0, calls_answered: 0 })).toBeNull();
  expect(of('cpu')).toBe(0.1);
});
