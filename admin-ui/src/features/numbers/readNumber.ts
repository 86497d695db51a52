import { api, type Schemas, taken } from '../../api/client';
import type { Read } from '../../lib/useSaving';

/** A number with its settings, and what names this state of it. */
export function readNumber(d: string, number: string): Promise<Read<Schemas['NumberWithSettings']>> {
  return taken(api.GET('/domains/{d}/numbers/{number}', { params: { path: { d, number } } }));
}
