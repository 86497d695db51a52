/** What is looked for. `since` and `until`: days as a date field gives them, both included. Empty: all. */
export type Filter = { who: string; what: string; action: string; since: string; until: string };

export const nothing: Filter = { who: '', what: '', action: '', since: '', until: '' };

/** The filter as the API takes it: days are the browser's, and the last one is included. */
export function queryOf({ who, what, action, since, until }: Filter) {
  return {
    ...(who.trim() ? { who: who.trim() } : {}),
    ...(what.trim() ? { what: what.trim() } : {}),
    ...(action ? { action } : {}),
    ...(since ? { since: new Date(`${since}T00:00`).toISOString() } : {}),
    ...(until ? { until: nextDay(until).toISOString() } : {}),
  };
}

function nextDay(day: string): Date {
  const date = new Date(`${day}T00:00`);
  date.setDate(date.getDate() + 1);
  return date;
}
