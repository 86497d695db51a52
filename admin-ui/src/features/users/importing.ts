import { api, taken } from '../../api/client';
import { Problem } from '../../api/problem';
import { allUsers } from './exportUsers';
import { type LineProblem, type NewUser, readUsers } from './readUsers';

export type Made = { passwords: { name: string; password: string }[]; problems: LineProblem[] };

/** Looks at a file, with the users of now beside it; makes nothing. */
export async function tryFile(domain: string, file: File) {
  return readUsers(await file.text(), await allUsers(domain));
}

/**
 * Makes users one after another. What the server refuses is told by line and the others are made all the same; where
 * it does not answer, or the session has ended, the rest is left: `problems` then names the line to go on from.
 */
export async function makeUsers(domain: string, users: NewUser[], onMade: (count: number) => void): Promise<Made> {
  const made: Made = { passwords: [], problems: [] };
  for (const [index, { line, password, ...user }] of users.entries()) {
    try {
      const body = { ...user, ...(password ? { password } : {}) };
      const { data } = await taken(api.POST('/domains/{domain}/users', { params: { path: { domain } }, body }));
      made.passwords.push({ name: user.name, password: data.sip.password });
    } catch (error) {
      if (!(error instanceof Problem) || error.status === 401 || error.status >= 500) {
        made.problems.push({ line, column: '', text: 'users.stopped' });
        return made;
      }
      const [field = '', detail = error.detail] = Object.entries(error.fields)[0] ?? [];
      made.problems.push({ line, column: field, detail });
    }
    onMade(index + 1);
  }
  return made;
}
