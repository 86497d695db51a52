import type { Schemas } from '../../api/client';

/** What a token may be let do, by what it is about. Each has a text `scope.NAME`, with `-` for `:`. */
export const scopes: { label: string; scopes: Schemas['TokenScope'][] }[] = [
  { label: 'users', scopes: ['users:read', 'users:write'] },
  { label: 'scenarios', scopes: ['scenarios:read', 'scenarios:write'] },
  { label: 'calls', scopes: ['calls:read'] },
  { label: 'voicemail', scopes: ['voicemail:read', 'voicemail:write'] },
  { label: 'domain', scopes: ['domain:read', 'domain:write'] },
];
