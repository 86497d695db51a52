import type { Schemas } from '../../api/client';
import { nodeOf } from './nodeOf';

/** Something that happened in a call: to one of its legs, or a node of the scenario with its steps. */
export interface Moment {
  at_ms: number;
  /** A key of the texts under `call.moment`, or the name of an operation. */
  what: string;
  who?: string;
  cause?: string;
  node?: string | null;
  steps: Schemas['CallStep'][];
}

/** The moments of a call by their time; steps of one node that follow one another are one moment. */
export function momentsOf(call: Schemas['Call'], steps: readonly Schemas['CallStep'][]): Moment[] {
  const since = (at: string) => Math.max(0, Date.parse(at) - Date.parse(call.started_at));
  // At the same time what the scenario does comes before what it causes.
  const moments: Moment[] = [{ at_ms: 0, what: 'began', who: call.from_number, steps: [] }, ...nodesOf(steps)];
  for (const leg of call.legs) {
    const who = leg.user ?? leg.peer_uri;
    const callee = leg.role === 'callee';
    if (callee) moments.push({ at_ms: since(leg.started_at), what: 'dialled', who, steps: [] });
    if (leg.answered_at) moments.push({ at_ms: since(leg.answered_at), what: callee ? 'answered' : 'accepted', who, steps: [] });
    if (callee) moments.push({ at_ms: since(leg.ended_at), what: 'legEnded', who, cause: leg.cause, steps: [] });
  }
  moments.sort((a, b) => a.at_ms - b.at_ms);
  moments.push({ at_ms: call.duration_ms, what: 'ended', cause: call.cause, steps: [] });
  return moments;
}

function nodesOf(steps: readonly Schemas['CallStep'][]): Moment[] {
  const moments: Moment[] = [];
  let node: string | null | undefined;
  for (const step of steps) {
    const { id, name, enters } = nodeOf(step);
    const last = moments.at(-1);
    // That a node is entered is told by its name above what is done there.
    const done = enters ? [] : [step];
    if (last && id === node && !enters) last.steps.push(step);
    else moments.push({ at_ms: step.at_ms, what: 'steps', node: name, steps: done });
    node = id;
  }
  return moments;
}
