import { isObject } from '../model/shape';

/** What was not saved yet, kept in the browser in case it or the machine goes down. */
export interface Draft {
  raw: unknown;
  /** The version that was changed. */
  etag: string;
  at: string;
}

const keyOf = (domain: string, name: string) => `tandem-flow-draft:${domain}/${name}`;

export function readDraft(domain: string, name: string): Draft | null {
  try {
    const raw: unknown = JSON.parse(localStorage.getItem(keyOf(domain, name)) ?? 'null');
    if (!isObject(raw) || typeof raw.etag !== 'string' || typeof raw.at !== 'string') return null;
    return { raw: raw.raw, etag: raw.etag, at: raw.at };
  } catch {
    return null;
  }
}

export function keepDraft(domain: string, name: string, draft: Draft): void {
  try {
    localStorage.setItem(keyOf(domain, name), JSON.stringify(draft));
  } catch {
    // The browser's store is full or switched off: there is no draft, and the editor works on.
  }
}

export function dropDraft(domain: string, name: string): void {
  try {
    localStorage.removeItem(keyOf(domain, name));
  } catch {
    // As above.
  }
}
