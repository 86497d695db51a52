import type { TFunction } from 'i18next';

import { only, valueWords } from './callWords';

/** What a replay found, of docs/replay.md what is told here. */
export interface Report {
  steps: unknown[];
  end: string;
  same_hash: boolean;
  diverged: boolean;
  divergence: { step: number; recorded: string; replayed: string } | null;
  diff: Difference[];
}

interface Difference {
  step: number;
  node: { id: string; name: string } | null;
  recorded: Side | null;
  replayed: Side | null;
}

type Side = { asked: { name: string; request: unknown } } | { ended: unknown };

/** Whether a replay went as recorded; if not, where the two part, and what each did there. */
export function replayWords({ steps, end, same_hash, diverged, divergence, diff }: Report, t: TFunction): { title: string; lines: string[] } {
  const count = steps.length;
  if (!diverged) {
    // A record that is cut short, as by a server's death, has no end to compare with.
    return { title: t('call.replay.same'), lines: same_hash ? [t('call.replay.all', { count })] : [t('call.replay.asFar', { count }), end] };
  }
  const title = t('call.replay.different');
  if (!divergence) return { title, lines: [t('call.replay.otherHash', { count })] };
  const { step } = divergence;
  const parted = diff.find((row) => row.step === step);
  const node = parted?.node?.name || parted?.node?.id;
  const [recorded, replayed] = [sideWords(parted?.recorded, t), sideWords(parted?.replayed, t)];
  return {
    title,
    lines: [
      node ? t('call.replay.partedIn', { step, node }) : t('call.replay.parted', { step }),
      t('call.replay.recorded', { what: recorded ?? divergence.recorded }),
      t('call.replay.replayed', { what: replayed ?? divergence.replayed }),
    ],
  };
}

function sideWords(side: Side | null | undefined, t: TFunction): string | null {
  if (!side) return null;
  // `{"Play": {…}}`: the name tells that already.
  if ('asked' in side) return `${side.asked.name} ${valueWords(only(side.asked.request)[1])}`.trim();
  const [kind, why] = typeof side.ended === 'string' ? [side.ended, ''] : only(side.ended);
  const words = t(`call.replay.end.${kind}`, { defaultValue: kind });
  const told = typeof why === 'object' && why !== null && 'message' in why ? why.message : why;
  return told ? `${words}: ${valueWords(told)}` : words;
}
