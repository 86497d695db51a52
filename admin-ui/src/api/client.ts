import createClient from 'openapi-fetch';

import { problemOf } from './problem';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

let csrf = '';
let onExpired: () => void = () => undefined;

/** Sets the token that unsafe requests carry. */
export function setCsrf(token: string) {
  csrf = token;
}

/** The token that unsafe requests carry. */
export function csrfToken() {
  return csrf;
}

/** Says that the server knows the session no more; for requests that do not go through `api`. */
export function sessionExpired() {
  onExpired();
}

/** Calls `handler` when the server says that the session is over. */
export function whenExpired(handler: () => void) {
  onExpired = handler;
}

export const api = createClient<paths>({ baseUrl: `${location.origin}/api/v1`, credentials: 'same-origin' });

api.use({
  onRequest({ request }) {
    if (!['GET', 'HEAD'].includes(request.method) && csrf) request.headers.set('X-CSRF-Token', csrf);
    return request;
  },
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== '/session') onExpired();
    return response;
  },
});

/** What a request gave, or its problem as an exception. */
export async function taken<T>(
  request: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<{ data: T; etag: string }> {
  const { data, error, response } = await request;
  if (!response.ok) throw problemOf(response, error);
  return { data: data as T, etag: response.headers.get('ETag') ?? '' };
}
