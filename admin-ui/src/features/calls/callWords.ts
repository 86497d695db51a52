import type { TFunction } from 'i18next';

import type { Schemas } from '../../api/client';

/** `1:05.250`: minutes, seconds and milliseconds since the call began. */
export function clock(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  const [minutes, seconds] = [Math.floor(whole / 60_000), Math.floor(whole / 1000) % 60];
  return `${minutes}:${String(seconds).padStart(2, '0')}.${String(whole % 1000).padStart(3, '0')}`;
}

/** How long a call took, in whole seconds: `0:04`, `1:02:30`. */
export function length(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** Why a call or a leg ended. Words that the console does not know are shown as they are. */
export function causeWords(cause: string, t: TFunction): string {
  return t(`calls.cause.${cause}`, { defaultValue: cause });
}

/** What became of a call, in a word, and whether that is good. */
export function resultOf(call: Schemas['CallSummary'], t: TFunction): { words: string; colour: 'green' | 'gray' | 'red' } {
  const failed = call.scenario_end !== null && !['returned', 'call-over'].includes(call.scenario_end);
  if (failed || ['failed', 'lost', 'stopped', 'congested'].includes(call.cause)) {
    return { words: failed ? t('calls.scenarioFailed') : causeWords(call.cause, t), colour: 'red' };
  }
  if (call.answered_at) return { words: t('calls.answered'), colour: 'green' };
  return { words: causeWords(call.cause, t), colour: 'gray' };
}

/** A value of a step, short enough for a line: JSON without the quotes of its keys. */
export function valueWords(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(valueWords).join(', ');
  if (typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([key, inner]) => (inner === null ? key : `${key}: ${nested(inner)}`))
    .join(', ');
}

/** What came of a step: without the name of its kind, which the operation tells already; nothing where it just happened. */
export function outcomeWords(outcome: unknown): string {
  if (outcome === 'Done') return '';
  const [kind, inner] = only(outcome);
  if (kind === '' || !/^[A-Z]/.test(kind)) return valueWords(outcome);
  const [end, value] = only(inner);
  if (end === 'Ok') return valueWords(value) || '✓';
  return end === 'Err' ? `✗ ${valueWords(value)}`.trim() : valueWords(inner);
}

/** The key and the value of an object that has one. */
export function only(value: unknown): [string, unknown] {
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  return entries.length === 1 && entries[0] ? entries[0] : ['', undefined];
}

function nested(value: unknown): string {
  const words = valueWords(value);
  if (Array.isArray(value)) return `[${words}]`;
  return typeof value === 'object' ? `{${words}}` : words;
}
