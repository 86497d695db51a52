import type { Schemas } from '../../api/client';

/** `since` and `until`: days as a date field gives them, both included. Empty: all. */
export type Filter = { text: string; action: string; since: string; until: string };

export const nothing: Filter = { text: '', action: '', since: '', until: '' };

/** Whether an entry is one of those that are looked for; days are the browser's. */
export function matches(entry: Schemas['AuditEntry'], { text, action, since, until }: Filter): boolean {
  const at = new Date(entry.at);
  const words = `${entry.who} ${entry.what} ${entry.address}`.toLowerCase();
  return words.includes(text.trim().toLowerCase())
    && (action === '' || entry.action === action)
    && (since === '' || at >= new Date(`${since}T00:00`))
    && (until === '' || at < nextDay(until));
}

function nextDay(day: string): Date {
  const date = new Date(`${day}T00:00`);
  date.setDate(date.getDate() + 1);
  return date;
}
