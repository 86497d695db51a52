export type Line = { field: string; before: string; after: string };

/** What is another than it was, by field such as `limits.kv-bytes`; '' where there is nothing. */
export function difference(before: unknown, after: unknown): Line[] {
  const was = flat(before);
  const is = flat(after);
  const fields = [...new Set([...was.keys(), ...is.keys()])];
  return fields
    .map((field) => ({ field, before: was.get(field) ?? '', after: is.get(field) ?? '' }))
    .filter((line) => line.before !== line.after);
}

/** Lists of plain values stay together: who reads them looks for the whole. */
function flat(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (value === null || value === undefined) return into;
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null)) {
    return into.set(path, value.join(', '));
  }
  if (typeof value !== 'object') return into.set(path, String(value));
  for (const [key, item] of Object.entries(value)) flat(item, path === '' ? key : `${path}.${key}`, into);
  return into;
}
