// The part of the server's OpenAPI document that the console uses. `npm run api` writes this file anew.
export interface components {
  schemas: {
    Version: { scenario: string; version: string };
    Canary: {
      version: string; share_percent: number; window?: number; margin?: number; fewest?: number; promote_after?: number;
      began_at?: string;
    };
    CanaryChange: {
      version?: string; share_percent?: number; window?: number; margin?: number; fewest?: number; promote_after?: number;
    };
    Number: {
      number: string; title: string; scenario: string; version: string; fallback_cause: string | null;
      fallback: components['schemas']['Version'] | null; canary: components['schemas']['Canary'] | null; previous: string | null;
    };
    NumberWithSettings: components['schemas']['Number'] & { settings?: unknown; fallback_settings?: unknown };
    NumberChange: {
      title?: string; scenario?: string; version?: string; settings?: unknown; fallback?: string; fallback_settings?: unknown;
    };
    NumberEvent: {
      step: number; at: string; what: string; hash: string; active_hash: string; share_percent: number | null; by: string;
      why: string | null;
    };
    Module: {
      name: string; hash: string; world: string; size_bytes: number; uploaded_at: string; note: string; signed_by: string | null;
    };
    Scenario: { name: string; versions: number; newest: components['schemas']['Module'] };
    ScenarioVersion: components['schemas']['Module'] & { numbers: string[] };
    FlowSummary: {
      name: string; title: string; changed_at: string; changed_by: string; numbers: string[]; problems: number;
    };
    CallSummary: {
      id: string; direction: 'inbound' | 'outbound' | 'internal'; from_number: string; to_number: string;
      entry_point: string | null; scenario: string | null; scenario_hash: string | null; started_at: string;
      answered_at: string | null; ended_at: string; duration_ms: number; cause: string; sip_status: number | null;
      ended_by: string; journal_stored: boolean; recoveries: number; scenario_end: string | null;
      scenario_error: string | null;
      fallback: { scenario: string; scenario_hash: string; end: string | null; error: string | null } | null;
    };
    Leg: {
      index: number; role: 'caller' | 'callee'; peer_uri: string; user: string | null; started_at: string;
      answered_at: string | null; ended_at: string; talk_ms: number; cause: string; sip_status: number | null;
      codec: string | null; rtp_sent: number; rtp_received: number; rtp_lost: number;
    };
    CallRecord: components['schemas']['CallSummary'] & { legs: components['schemas']['Leg'][] };
    Step: {
      index: number; at_ms: number; node: string | null; node_name: string | null; op: string; arguments: unknown;
      outcome: unknown; ended_ms: number | null;
    };
    SipMessage: {
      at: string; from_start_us: number; direction: 'in' | 'out'; leg: number; local: string; remote: string;
      transport: string; summary: string; method: string; status: number | null; cseq: string | number; text: string;
    };
    ActiveCall: {
      id: string; caller: string; dialled: string; number: string | null; scenario: string | null; started_at: string;
      answered_at: string | null; node: string | null;
    };
    LogLine: {
      line: number; at: string; level: 'debug' | 'info' | 'warn' | 'error'; kind: string; run: string; entry_point: string;
      scenario: string; scenario_hash: string; text: string;
    };
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
    Prompt: { name: string; duration_ms: number | null; bytes: number; changed_at: string };
    Schedule: { week: Record<string, string[]>; holidays: Record<string, string>; exceptions: Record<string, string[]> };
    ScheduleEntry: { name: string; changed_at: string };
    Status: {
      version: string; started_at: string; registrations: number | null; calls_active: number; calls_per_minute?: number[];
      answered_share?: number | null;
    };
    DayUsage: { day: string; amounts: Record<string, number> };
    User: { name: string; display_name: string; numbers: string[]; created_at: string };
    Sip: { user: string; domain: string; password: string; uri: string };
    ListedUser: components['schemas']['User'] & { registrations?: number | null };
    Registration: {
      contact: string; received_from: string; transport: string; user_agent?: string | null; expires_at: string; reachable: boolean;
    };
    LineProblem: { line: number; field: string; code: string; value?: string; other_line?: number; detail: string };
    UserMade: { name: string; password: string };
    UsersImported: {
      created: number; users: components['schemas']['UserMade'][]; problems: components['schemas']['LineProblem'][]; problems_untold: number;
    };
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
type OfNumber = { d: string; number: string };
type OfScenario = { d: string; name: string };
type OfFlow = { d: string; name: string };
type OfCall = { d: string; id: string };
type CallQuery = {
  since?: string; until?: string; number?: string; user?: string; scenario?: string; q?: string; limit?: number; cursor?: string;
};
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
  '/domains/{d}/numbers': {
    get: { parameters: { path: OfDomain; query?: PageQuery }; responses: { 200: Json<Page<S['Number']>> } };
    post: {
      parameters: { path: OfDomain };
      requestBody: Json<S['NumberChange'] & { number: string; scenario: string }>;
      responses: { 201: Json<S['Number']> };
    };
  };
  '/domains/{d}/numbers/{number}': {
    get: { parameters: { path: OfNumber }; responses: { 200: Json<S['NumberWithSettings']> } };
    patch: {
      parameters: { path: OfNumber; header: { 'If-Match': string } };
      requestBody: Json<S['NumberChange']>;
      responses: { 200: Json<S['Number']> };
    };
    delete: { parameters: { path: OfNumber; header: { 'If-Match': string } }; responses: { 204: NoBody } };
  };
  '/domains/{d}/numbers/{number}/canary': {
    put: {
      parameters: { path: OfNumber; header: { 'If-Match': string } };
      requestBody: Json<S['CanaryChange']>;
      responses: { 200: Json<S['Number']> };
    };
    delete: { parameters: { path: OfNumber; header: { 'If-Match': string } }; responses: { 204: NoBody } };
  };
  '/domains/{d}/numbers/{number}/promote': {
    post: { parameters: { path: OfNumber }; responses: { 200: Json<S['Number']> } };
  };
  '/domains/{d}/numbers/{number}/rollback': {
    post: { parameters: { path: OfNumber }; responses: { 200: Json<S['Number']> } };
  };
  '/domains/{d}/numbers/{number}/history': {
    get: { parameters: { path: OfNumber; query?: PageQuery }; responses: { 200: Json<Page<S['NumberEvent']>> } };
  };
  '/domains/{d}/scenarios': {
    get: { parameters: { path: OfDomain }; responses: { 200: Json<{ scenarios: S['Scenario'][] }> } };
  };
  '/domains/{d}/scenarios/{name}/versions': {
    get: { parameters: { path: OfScenario }; responses: { 200: Json<{ versions: S['ScenarioVersion'][] }> } };
  };
  '/domains/{d}/scenarios/{name}/versions/{hash}': {
    delete: { parameters: { path: OfScenario & { hash: string } }; responses: { 204: NoBody } };
  };
  '/domains/{d}/scenarios/{name}/versions/{hash}/flow': {
    get: { parameters: { path: OfScenario & { hash: string } }; responses: { 200: Json<{ flow: unknown; drawing: unknown }> } };
  };
  '/domains/{d}/flows': {
    get: { parameters: { path: OfDomain; query?: PageQuery }; responses: { 200: Json<Page<S['FlowSummary']>> } };
  };
  '/domains/{d}/flows/{name}': {
    get: { parameters: { path: OfFlow }; responses: { 200: Json<{ [key: string]: unknown }> } };
    put: {
      parameters: { path: OfFlow; header: { 'If-None-Match': '*' } };
      requestBody: Json<{ [key: string]: unknown }>;
      responses: { 200: Json<unknown>; 201: Json<unknown> };
    };
    delete: { parameters: { path: OfFlow; header: { 'If-Match': string } }; responses: { 204: NoBody } };
  };
  '/domains/{d}/calls': {
    get: { parameters: { path: OfDomain; query?: CallQuery }; responses: { 200: Json<Page<S['CallSummary']>> } };
  };
  '/domains/{d}/calls/active': {
    get: { parameters: { path: OfDomain }; responses: { 200: Json<{ items: S['ActiveCall'][] }> } };
  };
  '/domains/{d}/calls/{id}': { get: { parameters: { path: OfCall }; responses: { 200: Json<S['CallRecord']> } } };
  '/domains/{d}/calls/{id}/steps': {
    get: { parameters: { path: OfCall }; responses: { 200: Json<{ steps: S['Step'][] }> } };
  };
  '/domains/{d}/calls/{id}/messages': {
    get: { parameters: { path: OfCall }; responses: { 200: Json<{ items: S['SipMessage'][]; left_out: number }> } };
  };
  '/domains/{d}/logs': {
    get: {
      parameters: { path: OfDomain; query?: { call?: string; last?: number } };
      responses: { 200: Json<{ lines: S['LogLine'][]; next: number; lost: number }> };
    };
  };
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
    post: { parameters: { path: OfName; header?: { 'If-None-Match'?: string } }; requestBody: Json<{ text: string; voice?: string }>; responses: { 200: Json<S['Prompt']> } };
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
    get: { parameters: { path: OfDomain; query?: PageQuery }; responses: { 200: Json<Page<S['ListedUser']>> } };
    post: {
      parameters: { path: OfDomain };
      requestBody: Json<{ name: string; display_name: string; numbers?: string[]; password?: string }>;
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
  '/domains/{d}/users/{name}/registrations': { get: { parameters: { path: OfUser }; responses: { 200: Json<Page<S['Registration']>> } } };
  '/domains/{d}/music': { delete: { parameters: { path: OfDomain }; responses: { 204: NoBody } } };
}
