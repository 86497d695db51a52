import { api, type Schemas, taken } from '../../api/client';
import { csv } from '../../lib/csv';
import { COLUMNS } from './importing';

/** All users of a domain. */
export async function allUsers(domain: string): Promise<Schemas['User'][]> {
  const users: Schemas['User'][] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: 1000, ...(cursor ? { cursor } : {}) };
    const page = (await taken(api.GET('/domains/{domain}/users', { params: { path: { domain }, query } }))).data;
    users.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor);
  return users;
}

/** Users as a file that can be imported again; passwords are not known to anybody. */
export function usersCsv(users: Schemas['User'][]): string {
  const rowOf = ({ name, display_name: displayName, numbers }: Schemas['User']) => [name, displayName, numbers.join(' ')];
  return csv([COLUMNS.slice(0, 3), ...users.map(rowOf)]);
}

/** What a file of users looks like. */
export function template(): string {
  return csv([[...COLUMNS], ['301', 'Ann Example', '+49301234301 301', ''], ['302', 'Bob Example', '', 'a password of your own']]);
}
