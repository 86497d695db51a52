import { api, type Schemas, taken } from '../../api/client';
import type { Read } from '../../lib/useSaving';

/** A number with its settings, and what names this state of it. */
export function readNumber(domain: string, number: string): Promise<Read<Schemas['NumberWithSettings']>> {
  return taken(api.GET('/domains/{domain}/numbers/{number}', { params: { path: { domain, number } } }));
}
