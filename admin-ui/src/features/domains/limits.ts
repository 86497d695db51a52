/** What a limit counts. `bytes` are shown as MiB, `ms` as milliseconds. */
export type Unit = 'bytes' | 'ms' | 'count' | 'perSecond' | 'perMinute';
export type Limit = { name: string; unit: Unit; group: 'call' | 'domain' };

/** The limits of a domain, by the names that the API has for them (docs/scenarios/limits.md). */
export const limits: Limit[] = [
  { name: 'call-cpu-ms', unit: 'ms', group: 'call' },
  { name: 'call-wall-ms', unit: 'ms', group: 'call' },
  { name: 'call-memory-bytes', unit: 'bytes', group: 'call' },
  { name: 'call-host-calls-per-second', unit: 'perSecond', group: 'call' },
  { name: 'cpu-ms-per-second', unit: 'ms', group: 'domain' },
  { name: 'host-calls-per-second', unit: 'perSecond', group: 'domain' },
  { name: 'instances', unit: 'count', group: 'domain' },
  { name: 'kv-bytes', unit: 'bytes', group: 'domain' },
  { name: 'kv-keys', unit: 'count', group: 'domain' },
  { name: 'mails-per-minute', unit: 'perMinute', group: 'domain' },
  { name: 'voicemail-messages', unit: 'count', group: 'domain' },
  { name: 'voicemail-bytes', unit: 'bytes', group: 'domain' },
];

const MIB = 1 << 20;

/** What a field shows of a limit; '' where the server's own counts. */
export function shown(unit: Unit, value: number | undefined): string {
  if (value === undefined) return '';
  return String(unit === 'bytes' ? Number((value / MIB).toFixed(6)) : value);
}

/** What a field says: a whole number of the API's units, or null for the server's own. */
export function said(unit: Unit, text: string): number | null {
  if (text === '') return null;
  return Math.round(Number(text) * (unit === 'bytes' ? MIB : 1));
}

/** What of the fields is another than the domain has; a field that shows the same is no change. */
export function changes(now: Record<string, number>, fields: Record<string, string>): Record<string, number | null> {
  const changed = limits.filter(({ name, unit }) => (fields[name] ?? '') !== shown(unit, now[name]));
  return Object.fromEntries(changed.map(({ name, unit }) => [name, said(unit, fields[name] ?? '')]));
}
