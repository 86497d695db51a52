import { type Dates, type Form, keyOf, type Span } from './document';

/** What is wrong: the place in the form, such as `week.0.1` or `holidays.2.dates`, and the text that says it. */
export type Problems = Record<string, string>;

/** What the server would refuse, at the fields that are wrong. */
export function check(form: Form): Problems {
  const problems: Problems = {};
  form.week.forEach((spans, day) => checkSpans(spans, `week.${day}`, problems));
  checkDates(form.holidays, 'holidays', problems);
  checkDates(form.exceptions, 'exceptions', problems);
  form.holidays.forEach(({ name }, row) => {
    if (!name.trim()) problems[`holidays.${row}.name`] = 'schedules.needName';
  });
  form.exceptions.forEach(({ spans }, row) => checkSpans(spans, `exceptions.${row}.spans`, problems));
  return problems;
}

function checkSpans(spans: Span[], place: string, problems: Problems) {
  spans.forEach((span, row) => {
    const said = wrong(span) ?? (spans.slice(0, row).some((other) => !wrong(other) && overlap(span, other)) ? 'schedules.overlap' : null);
    if (said) problems[`${place}.${row}`] = said;
  });
}

function wrong({ from, to }: Span): string | null {
  if (!from || !to) return 'schedules.needTime';
  return from === to && from !== '00:00' ? 'schedules.emptySpan' : null;
}

function overlap(one: Span, other: Span): boolean {
  const end = ({ from, to }: Span) => (to > from ? to : '24:00');
  return one.from < end(other) && other.from < end(one);
}

function checkDates(rows: { dates: Dates }[], list: string, problems: Problems) {
  const seen = new Set<string>();
  rows.forEach(({ dates }, row) => {
    const key = keyOf(dates);
    const place = `${list}.${row}.dates`;
    if (!dates.from || (dates.kind === 'range' && !dates.to)) problems[place] = 'schedules.needDate';
    else if (dates.kind === 'range' && dates.to < dates.from) problems[place] = 'schedules.backwards';
    else if (dates.kind === 'yearly' && !exists(dates.from)) problems[place] = 'schedules.noDate';
    else if (seen.has(key)) problems[place] = 'schedules.twice';
    seen.add(key);
  });
}

/** Whether a leap year has this day. */
function exists(monthAndDay: string): boolean {
  const date = new Date(`2024-${monthAndDay}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(5, 10) === monthAndDay;
}
