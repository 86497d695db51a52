// The domain's key-value store, shared by all its scenarios. Keys are 1 to 512 bytes, values up to 64 KiB.
import * as raw from 'tandem:pbx/key-value@0.2.0';
import { KvError, answered } from './errors.ts';
import { decode, encode } from './utf8.ts';

/** The value of a key; undefined: there is none. Throws {@link KvError}. */
export function get(key: string): Uint8Array | undefined {
  return answered(KvError, () => raw.get(key)) ?? undefined;
}

/** The value of a key as UTF-8 text; undefined: there is none. Throws {@link KvError}. */
export function getText(key: string): string | undefined {
  const value = get(key);
  return value && decode(value);
}

/** Writes a value; a text is written as UTF-8. Throws {@link KvError}. */
export function set(key: string, value: Uint8Array | string): void {
  const bytes = typeof value === 'string' ? encode(value) : value;
  answered(KvError, () => raw.set(key, bytes));
}

/** Deletes a key and says whether there was one. Throws {@link KvError}. */
export function remove(key: string): boolean {
  return answered(KvError, () => raw.delete(key));
}

/** Adds `by` to a decimal number, atomically, and gives the sum; a missing key counts as 0. Throws {@link KvError}. */
export function increment(key: string, by = 1): number {
  return answered(KvError, () => raw.increment(key, Number(by)));
}

/** Up to `limit` (1 to 1,000) keys that begin with `prefix` and come after `after`, in byte order. Throws {@link KvError}. */
export function keys(prefix = '', after = '', limit = 1_000): string[] {
  return answered(KvError, () => raw.keys(prefix, after, limit));
}
