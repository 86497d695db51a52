import type { Schemas } from '../../api/client';

const DAY_MS = 86_400_000;

/** Each of the last `count` days (UTC, today the last) with the amount of `what`; days without any have none. */
export function lastDays(usage: Schemas['DayUsage'][], what: string, count: number, now: Date): { day: string; value: number }[] {
  const amounts = new Map(usage.map(({ day, amounts: of }) => [day, of[what] ?? 0]));
  return Array.from({ length: count }, (_, index) => {
    const day = dayBefore(now, count - 1 - index);
    return { day, value: amounts.get(day) ?? 0 };
  });
}

/** The day so many days before, as the API writes it. */
export function dayBefore(now: Date, days: number): string {
  return new Date(now.getTime() - days * DAY_MS).toISOString().slice(0, 10);
}
