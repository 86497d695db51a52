/** Longest file that the server takes, in bytes. */
export const BYTES_MAX = 10 * 1024 * 1024;

/** A header that keeps what somebody else has made meanwhile. */
export const UNLESS_THERE = { 'If-None-Match': '*' };

/** Where a prompt lies, to send and to hear it. */
export function promptUrl(domain: string, name: string): string {
  return `/api/v1/domains/${encodeURIComponent(domain)}/prompts/${encodeURIComponent(name)}`;
}

/** A name out of a file's, in the letters that names may have. */
export function nameOf(file: string): string {
  return file.replace(/\.(wav|mp3)$/i, '').normalize('NFKD').replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-.]+|-+$/g, '').toLowerCase().slice(0, 64);
}

/** The media type of a file by its name; browsers do not agree on it. */
export function soundType(file: string): 'audio/mpeg' | 'audio/wav' {
  return /\.mp3$/i.test(file) ? 'audio/mpeg' : 'audio/wav';
}
