// The part of the server's OpenAPI document that the console uses. `npm run api` writes this file anew.
export interface components {
  schemas: {
    Role: 'system' | 'administrator' | 'supervisor' | 'user';
    Account: {
      login: string; display_name: string; role: components['schemas']['Role']; domain: string | null; user: string | null;
      language: string | null; totp: boolean; created_at: string; last_login_at: string | null; blocked: boolean;
    };
    Session: { account: components['schemas']['Account']; csrf: string; expires_at: string };
    Domain: { name: string; realm: string; time_zone: string; created_at: string; blocked: boolean; users?: number; numbers?: number };
    User: { name: string; display_name: string; numbers: string[]; created_at: string; registrations: number };
    Sip: { user: string; domain: string; password: string; uri: string };
  };
}
type S = components['schemas'];
type Json<T> = { content: { 'application/json': T } };
type Page<T> = { items: T[]; next: string | null; total?: number };
type PageQuery = { q?: string; limit?: number; cursor?: string };
type OfDomain = { d: string };
type OfUser = { d: string; name: string };
type NoBody = { content?: never };
export interface paths {
  '/session': {
    get: { responses: { 200: Json<S['Session']> } };
    post: { requestBody: Json<{ login: string; password: string; code?: string }>; responses: { 200: Json<S['Session']> } };
    delete: { responses: { 204: NoBody } };
  };
  '/session/password': { put: { requestBody: Json<{ old: string; new: string }>; responses: { 204: NoBody } } };
  '/session/preferences': { put: { requestBody: Json<{ language: string | null }>; responses: { 200: Json<S['Session']> } } };
  '/domains': { get: { parameters: { query?: PageQuery }; responses: { 200: Json<Page<S['Domain']>> } } };
  '/domains/{d}/users': {
    get: { parameters: { path: OfDomain; query?: PageQuery }; responses: { 200: Json<Page<S['User']>> } };
    post: {
      parameters: { path: OfDomain };
      requestBody: Json<{ name: string; display_name: string; numbers?: string[] }>;
      responses: { 201: Json<{ user: S['User']; sip: S['Sip'] }> };
    };
  };
  '/domains/{d}/users/{name}': {
    get: { parameters: { path: OfUser }; responses: { 200: Json<S['User']> } };
    patch: {
      parameters: { path: OfUser; header: { 'If-Match': string } };
      requestBody: Json<{ display_name?: string; numbers?: string[] }>;
      responses: { 200: Json<S['User']> };
    };
    delete: { parameters: { path: OfUser; header: { 'If-Match': string } }; responses: { 204: NoBody } };
  };
  '/domains/{d}/users/{name}/password': {
    post: { parameters: { path: OfUser }; requestBody: Json<{ password?: string }>; responses: { 200: Json<{ sip: S['Sip'] }> } };
  };
}
