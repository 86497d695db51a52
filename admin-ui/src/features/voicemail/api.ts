import { api, taken } from '../../api/client';

export type State = 'new' | 'heard' | 'saved';

/** Messages of a page, the server's most. */
const PAGE = 100;

/** A page of a box's messages, the newest first; `cursor`: how many of the newest are left out. */
export async function readMessages(domain: string, box: string, state: State | null, { cursor = '0' }: { cursor?: string }) {
  const offset = Number(cursor);
  const params = { path: { domain, box }, query: { offset, limit: PAGE, ...(state ? { state } : {}) } };
  const { messages } = (await taken(api.GET('/domains/{domain}/voicemail/{box}', { params }))).data;
  return { items: messages, next: messages.length < PAGE ? null : String(offset + PAGE) };
}

export function markMessage(domain: string, box: string, id: number, state: State) {
  const params = { path: { domain, box, id } };
  return taken(api.PATCH('/domains/{domain}/voicemail/{box}/{id}', { params, body: { state } }));
}

export function deleteMessage(domain: string, box: string, id: number) {
  return taken(api.DELETE('/domains/{domain}/voicemail/{box}/{id}', { params: { path: { domain, box, id } } }));
}

/** Where a message's sound lies. */
export function soundUrl(domain: string, box: string, id: number): string {
  return `/api/v1/domains/${encodeURIComponent(domain)}/voicemail/${encodeURIComponent(box)}/${id}`;
}
