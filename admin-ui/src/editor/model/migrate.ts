import { isObject } from './shape';
import { DRAWING_VERSION, FLOW_VERSION } from './types';

type Step = (old: Record<string, unknown>) => Record<string, unknown>;

export interface Migrations {
  /** The version that the editor knows. */
  current: number;
  /** The step at `n` makes version `n + 1` out of version `n`. */
  steps: Record<number, Step>;
}

/** Where a later version of a format says how it comes from the one before. */
export const MIGRATIONS: Record<'flow' | 'drawing', Migrations> = {
  flow: { current: FLOW_VERSION, steps: {} },
  drawing: { current: DRAWING_VERSION, steps: {} },
};

export type Migrated = { ok: true; value: unknown } | { ok: false; detail: string };

export function migrate(what: keyof typeof MIGRATIONS, raw: unknown): Migrated {
  return migrateWith(MIGRATIONS[what], raw);
}

/** Brings `raw` to the current version. What has no readable version is left to the parser, which says so. */
export function migrateWith({ current, steps }: Migrations, raw: unknown): Migrated {
  if (!isObject(raw) || !Number.isInteger(raw.version)) return { ok: true, value: raw };
  let value = raw;
  for (let version = raw.version as number; version !== current; version += 1) {
    const step = steps[version];
    if (step === undefined || version > current) {
      return { ok: false, detail: `version ${String(raw.version)} is not ${current}` };
    }
    value = { ...step(value), version: version + 1 };
  }
  return { ok: true, value };
}
