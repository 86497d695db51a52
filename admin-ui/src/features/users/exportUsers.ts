import { api, type Schemas, taken } from '../../api/client';
import { csv } from '../../lib/csv';

/** The columns of a file of users, in the order of the template. */
export const COLUMNS = ['name', 'display_name', 'numbers', 'password'];

/** All users as a file that can be imported again; passwords are not known to anybody. */
export async function usersCsv(domain: string): Promise<string> {
  const rows: string[][] = [COLUMNS.slice(0, 3)];
  let cursor: string | undefined;
  do {
    const query = { limit: 1000, ...(cursor ? { cursor } : {}) };
    const page = (await taken(api.GET('/domains/{d}/users', { params: { path: { d: domain }, query } }))).data;
    rows.push(...page.items.map(rowOf));
    cursor = page.next ?? undefined;
  } while (cursor);
  return csv(rows);
}

function rowOf({ name, display_name: displayName, numbers }: Schemas['User']): string[] {
  return [name, displayName, numbers.join(' ')];
}

/** What a file of users looks like. */
export function template(): string {
  return csv([COLUMNS, ['301', 'Ann Example', '+49301234301 301', ''], ['302', 'Bob Example', '', 'a password of your own']]);
}
