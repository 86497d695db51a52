import type { Schemas } from '../../api/client';
import { Problem } from '../../api/problem';
import { upload } from '../../lib/upload';

export const COLUMNS = ['name', 'display_name', 'numbers', 'password'] as const;

/** Longest file that the server takes, in bytes. */
export const FILE_BYTES_MAX = 4 * 1024 * 1024;

type Sending = { domain: string; file: File; /** The server only looks at it. */ dryRun: boolean; onProgress: (share: number) => void };

/** Sends a file of users, of which the server makes all or none. */
export async function sendUsers({ domain, file, dryRun, onProgress }: Sending): Promise<Schemas['UsersImported']> {
  const url = `/api/v1/domains/${encodeURIComponent(domain)}/users/import?dry_run=${dryRun}`;
  return await upload({ method: 'POST', url, body: file, type: 'text/csv', onProgress }) as Schemas['UsersImported'];
}

/** What the server found wrong with the lines of a file that it refused. */
export function problemsOf(error: Error | null): Schemas['LineProblem'][] {
  if (!(error instanceof Problem)) return [];
  return error.problems.filter((problem): problem is Schemas['LineProblem'] => 'line' in problem);
}
