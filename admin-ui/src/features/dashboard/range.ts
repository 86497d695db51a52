import type { Schemas } from '../../api/client';

export type Point = Schemas['SamplePoint'];
export const RANGES = ['1h', '24h', '7d', '30d', 'custom'] as const;
export type Range = (typeof RANGES)[number];

const HOUR_MS = 3_600_000;
const HOURS: Record<Exclude<Range, 'custom'>, number> = { '1h': 1, '24h': 24, '7d': 7 * 24, '30d': 30 * 24 };

/** The range that a word of the address names; what it does not name is the last hour. */
export function rangeOf(word: string | null): Range {
  return RANGES.find((range) => range === word) ?? '1h';
}

/** What to ask for: up to now, or whole days of the browser's, both included. `null`: days that name no time. */
export function spanOf(range: Range, from: string, to: string, now: Date): { since: string; until: string } | null {
  if (range !== 'custom') {
    return { since: new Date(now.getTime() - HOURS[range] * HOUR_MS).toISOString(), until: now.toISOString() };
  }
  const since = new Date(`${from}T00:00`);
  const end = new Date(`${to}T00:00`);
  end.setDate(end.getDate() + 1);
  const until = end > now ? now : end;
  if (Number.isNaN(since.getTime()) || Number.isNaN(end.getTime()) || until <= since) return null;
  return { since: since.toISOString(), until: until.toISOString() };
}

/** What is drawn of each point, and how it is told. */
export type Figure = { key: string; kind: 'number' | 'percent' | 'bytes'; value: (point: Point, stepS: number) => number | null };

export const FIGURES: Figure[] = [
  { key: 'callsActive', kind: 'number', value: (point) => point.calls_active },
  { key: 'callsPerMinute', kind: 'number', value: (point, stepS) => (point.calls_begun * 60) / stepS },
  // Where no call ended there is no share.
  { key: 'answeredShare', kind: 'percent', value: (point) => (point.calls_ended > 0 ? point.calls_answered / point.calls_ended : null) },
  { key: 'registrations', kind: 'number', value: (point) => point.registrations },
  { key: 'failures', kind: 'number', value: (point) => point.scenario_failures },
  // Of one core.
  { key: 'cpu', kind: 'percent', value: (point, stepS) => point.cpu_us / (stepS * 1_000_000) },
  { key: 'memory', kind: 'bytes', value: (point) => point.memory_peak_bytes },
];
