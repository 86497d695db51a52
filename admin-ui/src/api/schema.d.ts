// The part of the server's OpenAPI document that the console uses. `npm run api` writes this file anew.
export interface components {
  schemas: {
    Role: 'system' | 'administrator' | 'supervisor' | 'user';
    Account: {
      login: string; display_name: string; role: components['schemas']['Role']; domain: string | null; user: string | null;
      language: string | null; totp: boolean; created_at: string; last_login_at: string | null; blocked: boolean;
    };
    Session: { account: components['schemas']['Account']; csrf: string; expires_at: string };
    Domain: {
      name: string; realm: string; time_zone: string; created_at: string; blocked?: boolean; users?: number; numbers?: number;
      keep_journals_s: number | null; keep_calls_s: number | null; mail_sender: string | null; limits: Record<string, number>;
    };
    DomainChange: {
      time_zone?: string; keep_journals_s?: number | null; keep_calls_s?: number | null; mail_sender?: string | null;
      blocked?: boolean; limits?: Record<string, number | null>;
    };
    Token: { name: string; scopes: string[]; created_at: string; expires_at: string | null; last_used_at: string | null };
    AuditEntry: {
      id: number; at: string; who: string; address: string; action: string; what: string; before: unknown; after: unknown;
    };
    Prompt: { name: string; duration_ms: number; bytes: number; changed_at: string };
    Schedule: { week: Record<string, string[]>; holidays: Record<string, string>; exceptions: Record<string, string[]> };
    ScheduleEntry: { name: string; changed_at: string };
    Status: {
      version: string; started_at: string; registrations: number; calls_active: number; calls_per_minute?: number[];
      answered_share?: number | null;
    };
    DayUsage: { day: string; amounts: Record<string, number> };
    ImportOutcome: {
      created: number; problems: { line: number; field: string | null; detail: string }[];
      users: { name: string; password: string }[];
    };
    User: { name: string; display_name: string; numbers: string[]; created_at: string; registrations: number };
    Sip: { user: string; domain: string; password: string; uri: string };
  };
}
type S = components['schemas'];
type Json<T> = { content: { 'application/json': T } };
type Page<T> = { items: T[]; next: string | null; total?: number };
type PageQuery = { q?: string; limit?: number; cursor?: string };
type OfDomain = { d: string };
type OfName = { d: string; name: string };
type OfAccount = { d: string; login: string };
type IfMatch = { 'If-Match': string };
type OfUser = { d: string; name: string };
type NoBody = { content?: never };
type AccountsOf<P> = {
  get: { parameters: { path?: P }; responses: { 200: Json<Page<S['Account']>> } };
  post: {
    parameters: { path?: P };
    requestBody: Json<{ login: string; display_name: string; role: S['Role']; user?: string; password: string }>;
    responses: { 201: Json<S['Account']> };
  };
};
type AccountOf<P> = {
  patch: {
    parameters: { path: P };
    requestBody: Json<{ display_name?: string; password?: string; blocked?: boolean }>;
    responses: { 200: Json<S['Account']> };
  };
  delete: { parameters: { path: P }; responses: { 204: NoBody } };
};
export interface paths {
  '/session': {
    get: { responses: { 200: Json<S['Session']> } };
    post: { requestBody: Json<{ login: string; password: string; code?: string }>; responses: { 200: Json<S['Session']> } };
    delete: { responses: { 204: NoBody } };
  };
  '/session/password': { put: { requestBody: Json<{ old: string; new: string }>; responses: { 204: NoBody } } };
  '/session/preferences': { put: { requestBody: Json<{ language: string | null }>; responses: { 200: Json<S['Session']> } } };
  '/domains': {
    get: { parameters: { query?: PageQuery }; responses: { 200: Json<Page<S['Domain']>> } };
    post: { requestBody: Json<{ name: string; realm?: string; time_zone: string }>; responses: { 201: Json<S['Domain']> } };
  };
  '/domains/{d}': {
    get: { parameters: { path: OfDomain }; responses: { 200: Json<S['Domain']> } };
    patch: { parameters: { path: OfDomain; header: IfMatch }; requestBody: Json<S['DomainChange']>; responses: { 200: Json<S['Domain']> } };
    delete: { parameters: { path: OfDomain; header: IfMatch }; responses: { 204: NoBody } };
  };
  '/accounts': AccountsOf<undefined>;
  '/domains/{d}/accounts': AccountsOf<OfDomain>;
  '/accounts/{login}': AccountOf<{ login: string }>;
  '/domains/{d}/accounts/{login}': AccountOf<OfAccount>;
  '/audit': { get: { parameters: { query?: PageQuery }; responses: { 200: Json<Page<S['AuditEntry']>> } } };
  '/domains/{d}/audit': { get: { parameters: { path: OfDomain; query?: PageQuery }; responses: { 200: Json<Page<S['AuditEntry']>> } } };
  '/domains/{d}/tokens': {
    get: { parameters: { path: OfDomain }; responses: { 200: Json<Page<S['Token']>> } };
    post: {
      parameters: { path: OfDomain };
      requestBody: Json<{ name: string; scopes: string[]; expires_in_s?: number }>;
      responses: { 201: Json<S['Token'] & { token: string }> };
    };
  };
  '/domains/{d}/tokens/{name}': { delete: { parameters: { path: OfName }; responses: { 204: NoBody } } };
  '/domains/{d}/prompts': { get: { parameters: { path: OfDomain; query?: PageQuery }; responses: { 200: Json<Page<S['Prompt']>> } } };
  '/domains/{d}/prompts/{name}': { delete: { parameters: { path: OfName }; responses: { 204: NoBody } } };
  '/domains/{d}/prompts/{name}/speak': {
    post: { parameters: { path: OfName }; requestBody: Json<{ text: string; voice?: string }>; responses: { 200: Json<S['Prompt']> } };
  };
  '/domains/{d}/schedules': { get: { parameters: { path: OfDomain }; responses: { 200: Json<Page<S['ScheduleEntry']>> } } };
  '/domains/{d}/schedules/{name}': {
    get: { parameters: { path: OfName }; responses: { 200: Json<S['Schedule']> } };
    put: {
      parameters: { path: OfName; header: { 'If-Match'?: string; 'If-None-Match'?: string } };
      requestBody: Json<S['Schedule']>;
      responses: { 200: Json<S['Schedule']> };
    };
    delete: { parameters: { path: OfName; header: IfMatch }; responses: { 204: NoBody } };
  };
  '/domains/{d}/status': { get: { parameters: { path: OfDomain }; responses: { 200: Json<S['Status']> } } };
  '/domains/{d}/usage': {
    get: { parameters: { path: OfDomain; query?: { since?: string } }; responses: { 200: Json<{ days: S['DayUsage'][] }> } };
  };
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
