/** The prompt that those hear who are held. */
export const MUSIC = 'music-on-hold';

/** Longest file that the server takes, in bytes. */
export const BYTES_MAX = 32 * 1024 * 1024;

/** Where a domain's music lies, to send and to hear it. */
export function musicUrl(domain: string): string {
  return `/api/v1/domains/${encodeURIComponent(domain)}/music`;
}
