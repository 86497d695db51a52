import { api, type Schemas, taken } from '../../api/client';
import { hasStatus } from '../../api/problem';
import type { Read } from '../../lib/useSaving';

/** A schedule; `data` is null and `etag` empty where there is none of this name. */
export async function readSchedule(domain: string, name: string): Promise<Read<Schemas['Schedule'] | null>> {
  try {
    return await taken(api.GET('/domains/{domain}/schedules/{name}', { params: { path: { domain, name } } }));
  } catch (error) {
    if (hasStatus(error, 404)) return { data: null, etag: '' };
    throw error;
  }
}
