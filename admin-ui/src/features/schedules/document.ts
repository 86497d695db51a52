import type { Schemas } from '../../api/client';

/** Times as `HH:MM`; an end that is not after the begin is one of the next day. Empty: not typed yet. */
export type Span = { from: string; to: string };
/** `once`: 2026-12-25; `yearly`: 12-25, kept as `from`; `range`: both ends included. */
export type Dates = { kind: 'once' | 'yearly' | 'range'; from: string; to: string };
export type Holiday = { id: number; dates: Dates; name: string };
export type Exception = { id: number; dates: Dates; spans: Span[] };
/** A schedule as it is typed; the week begins on Monday. */
export type Form = { week: Span[][]; holidays: Holiday[]; exceptions: Exception[] };

type Written = Schemas['Schedule'];

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

let last = 0;
/** Tells rows of a form apart. */
export function rowId(): number {
  last += 1;
  return last;
}

/** What a new schedule begins with. */
export function usual(): Form {
  return formOf({ week: { 'mon-fri': ['09:00-18:00'] }, holidays: {}, exceptions: {} });
}

/** A document of docs/services.md as a form. */
export function formOf({ week, holidays, exceptions }: Written): Form {
  const days: Span[][] = DAYS.map(() => []);
  for (const [key, texts] of Object.entries(week ?? {})) {
    for (const day of daysOf(key)) days[day] = texts.map(spanOf);
  }
  return {
    week: days,
    holidays: Object.entries(holidays ?? {}).map(([dates, name]) => ({ id: rowId(), dates: datesOf(dates), name })),
    exceptions: Object.entries(exceptions ?? {}).map(([dates, texts]) => ({ id: rowId(), dates: datesOf(dates), spans: texts.map(spanOf) })),
  };
}

/** A form as the document; days that follow each other with the same hours become one entry. */
export function writtenOf(form: Form): Written {
  const texts = form.week.map((spans) => spans.map(textOf));
  const week: Record<string, string[]> = {};
  for (let first = 0; first < DAYS.length;) {
    let end = first;
    while (end + 1 < DAYS.length && String(texts[end + 1]) === String(texts[first])) end += 1;
    const hours = texts[first] ?? [];
    if (hours.length > 0) week[end === first ? DAYS[first]! : `${DAYS[first]}-${DAYS[end]}`] = hours;
    first = end + 1;
  }
  return {
    week,
    holidays: Object.fromEntries(form.holidays.map(({ dates, name }) => [keyOf(dates), name.trim()])),
    exceptions: Object.fromEntries(form.exceptions.map(({ dates, spans }) => [keyOf(dates), spans.map(textOf)])),
  };
}

/** `mon`, `mon-fri` or `sat-mon` as days counted from Monday. */
function daysOf(key: string): number[] {
  const [first = '', end = first] = key.split('-');
  const [from, to] = [DAYS.indexOf(first as 'mon'), DAYS.indexOf(end as 'mon')];
  if (from < 0 || to < 0) return [];
  return Array.from({ length: ((to + 7 - from) % 7) + 1 }, (_, step) => (from + step) % 7);
}

// A time field knows no 24:00; as an end, 00:00 is the same.
function spanOf(text: string): Span {
  const [from = '', to = ''] = text.split('-').map((time) => time.trim());
  return { from, to: to === '24:00' ? '00:00' : to };
}

function textOf({ from, to }: Span): string {
  return `${from}-${to === '00:00' ? '24:00' : to}`;
}

function datesOf(text: string): Dates {
  const [from = '', to] = text.split('/');
  if (to !== undefined) return { kind: 'range', from, to };
  return { kind: from.length === 5 ? 'yearly' : 'once', from, to: '' };
}

export function keyOf({ kind, from, to }: Dates): string {
  return kind === 'range' ? `${from}/${to}` : from;
}
