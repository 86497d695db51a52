import type { Schemas } from '../../api/client';
import { readJson } from '../../lib/json';

/** The contract's causes (`types.cause`); `status` stands for a SIP status, `scenario` for a scenario that takes over. */
export const CAUSES = ['unavailable', 'busy', 'declined', 'not-found', 'forbidden', 'congested', 'normal'] as const;

/** A number as its form holds it: all of it text. */
export interface NumberDraft {
  title: string;
  scenario: string;
  /** A hash; empty: the newest. */
  version: string;
  settings: string;
  /** One of the causes, `status` or `scenario`. */
  fallback: string;
  status: string;
  fallbackScenario: string;
  fallbackVersion: string;
  fallbackSettings: string;
}

export const EMPTY: NumberDraft = {
  title: '', scenario: '', version: '', settings: '', fallback: 'unavailable', status: '503', fallbackScenario: '',
  fallbackVersion: '', fallbackSettings: '',
};

/** What the form shows of a number that is there. */
export function draftOf(number: Schemas['NumberWithSettings']): NumberDraft {
  const cause = number.fallback_cause ?? EMPTY.fallback;
  const byStatus = /^\d+$/.test(cause);
  return {
    title: number.title,
    scenario: number.scenario,
    version: number.version,
    settings: jsonText(number.settings),
    fallback: number.fallback ? 'scenario' : byStatus ? 'status' : cause,
    status: byStatus ? cause : EMPTY.status,
    fallbackScenario: number.fallback?.scenario ?? '',
    fallbackVersion: number.fallback?.version ?? '',
    fallbackSettings: jsonText(number.fallback_settings),
  };
}

/** What differs between two drafts, as the server takes it; nothing where they are the same. */
export function changeOf(before: NumberDraft, after: NumberDraft): Schemas['NumberEdit'] {
  const change: Schemas['NumberEdit'] = {};
  const differs = (...keys: (keyof NumberDraft)[]) => keys.some((key) => before[key] !== after[key]);
  if (differs('title')) change.title = after.title.trim();
  if (differs('scenario', 'version')) {
    if (differs('scenario')) change.scenario = after.scenario;
    if (after.version) change.version = after.version;
  }
  if (differs('settings')) change.settings = valueOf(after.settings);
  const keys = { scenario: ['fallbackScenario', 'fallbackVersion', 'fallbackSettings'], status: ['status'] } as const;
  if (differs('fallback', ...(keys[after.fallback as keyof typeof keys] ?? []))) {
    change.fallback = fallbackOf(after);
    if (after.fallback === 'scenario') change.fallback_settings = valueOf(after.fallbackSettings);
  }
  return change;
}

/** Whether all of its JSON is JSON. */
export function isSound({ settings, fallbackSettings, fallback }: NumberDraft): boolean {
  return 'value' in readJson(settings) && (fallback !== 'scenario' || 'value' in readJson(fallbackSettings));
}

function fallbackOf({ fallback, status, fallbackScenario, fallbackVersion }: NumberDraft): string {
  if (fallback === 'status') return status;
  if (fallback !== 'scenario') return fallback;
  return fallbackVersion ? `${fallbackScenario}@${fallbackVersion}` : fallbackScenario;
}

function valueOf(text: string): unknown {
  const read = readJson(text);
  return 'value' in read && read.value !== undefined ? read.value : {};
}

function jsonText(value: unknown): string {
  return value === undefined || value === null ? '' : JSON.stringify(value, null, 2);
}
