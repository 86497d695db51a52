/** A value as `console.log` shows it, in one line. */
export function inspect(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  if (typeof value === 'bigint') {
    return `${value}n`;
  }
  if (value instanceof Error) {
    return `${value.name}: ${value.message}`;
  }
  if (typeof value === 'function') {
    return `[function ${value.name || '(anonymous)'}]`;
  }
  try {
    return JSON.stringify(value, plain) ?? String(value);
  } catch (error) {
    // A circle.
    return `[${String(value)}: ${(error as Error).message}]`;
  }
}

// JSON knows none of these, or shows them as {}.
function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') {
    return `${value}n`;
  }
  if (value instanceof Map) {
    return { Map: [...value] };
  }
  if (value instanceof Set) {
    return { Set: [...value] };
  }
  if (value instanceof Error) {
    return `${value.name}: ${value.message}`;
  }
  return ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value as Uint8Array) : value;
}
