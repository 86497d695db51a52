import { parseCsv } from '../../lib/csv';
import { numbersOf } from './numbers';

export const COLUMNS = ['name', 'display_name', 'numbers', 'password'] as const;
type Column = (typeof COLUMNS)[number];
export type NewUser = { line: number; name: string; display_name: string; numbers: string[]; password: string };
/** `text`: of the dictionary; `detail`: as the server said it. */
export type LineProblem = { line: number; column: string; text?: string; values?: Record<string, string>; detail?: string };
type Present = { name: string; numbers: string[] }[];

/** Most users of one file. */
export const USERS_MOST = 5_000;

/** The users of a CSV file, and what is wrong with its lines; `present`: the users that are there already. */
export function readUsers(text: string, present: Present): { users: NewUser[]; problems: LineProblem[] } {
  const [head, ...rows] = parseCsv(text);
  const columns = (head?.fields ?? []).map((name) => name.trim().toLowerCase().replace(/[ -]/g, '_'));
  const unknown = columns.filter((name) => !COLUMNS.includes(name as Column));
  if (!columns.includes('name') || unknown.length > 0) {
    const text = unknown.length > 0 ? 'users.unknownColumn' : 'users.noNameColumn';
    return { users: [], problems: [{ line: 1, column: unknown[0] ?? 'name', text, values: { columns: COLUMNS.join(', ') } }] };
  }
  if (rows.length > USERS_MOST) {
    return { users: [], problems: [{ line: rows[USERS_MOST]?.line ?? 1, column: '', text: 'users.tooMany', values: { most: String(USERS_MOST) } }] };
  }
  const seen = { names: new Map<string, number>(), numbers: new Map<string, number>() };
  for (const { name, numbers } of present) {
    seen.names.set(name.toLowerCase(), 0);
    for (const number of numbers) seen.numbers.set(number, 0);
  }
  const problems: LineProblem[] = [];
  const users = rows.map(({ line, fields }) => {
    const of = (column: Column) => (fields[columns.indexOf(column)] ?? '').trim();
    const user = { line, name: of('name'), display_name: of('display_name'), numbers: numbersOf(of('numbers')), password: of('password') };
    if (fields.length > columns.length) problems.push({ line, column: '', text: 'users.tooManyFields' });
    problems.push(...wrong(user, seen));
    return user;
  });
  return { users, problems };
}

type Seen = { names: Map<string, number>; numbers: Map<string, number> };

/** What is wrong with one user; what it takes is taken for those after it. */
function wrong({ line, name, numbers }: NewUser, seen: Seen): LineProblem[] {
  const problems: LineProblem[] = [];
  const say = (column: Column, text: string, values: Record<string, string>) => problems.push({ line, column, text, values });
  if (name === '') say('name', 'users.noName', {});
  else if (!/^[A-Za-z0-9\-_.!~*'()&=+$,;?/]+$/.test(name)) say('name', 'users.badName', { name });
  else take(seen.names, name.toLowerCase(), line, (at) => say('name', at === 0 ? 'users.nameThere' : 'users.nameTwice', { name, line: String(at) }));
  for (const number of numbers) {
    if (!/^[0-9+*#]{1,64}$/.test(number)) say('numbers', 'users.badNumber', { number });
    else take(seen.numbers, number, line, (at) => say('numbers', at === 0 ? 'users.numberThere' : 'users.numberTwice', { number, line: String(at) }));
  }
  return problems;
}

/** Notes what a line takes, or says which line, 0 for a user that is there already, has it. */
function take(taken: Map<string, number>, what: string, line: number, refuse: (at: number) => void) {
  const at = taken.get(what);
  if (at === undefined) taken.set(what, line);
  else refuse(at);
}
