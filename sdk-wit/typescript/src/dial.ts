import { dial as rawDial, type Target as RawTarget } from 'tandem:pbx/dial@0.2.0';
import { DialFailure, answered } from './errors.ts';
import { Leg } from './leg.ts';
import type { Address } from './types.ts';

/** Whom to call. */
export type Target = RawTarget;

export const Target = {
  /** A user of the domain, by name: all its devices ring, by their q-values. */
  user(name: string): Target {
    return { tag: 'user', val: name };
  },

  /** A number of the domain: an extension, or a number that leads to a user. */
  number(number: string): Target {
    return { tag: 'number', val: number };
  },
};

/** How to dial. What is left out: all targets at once, for 30 s, showing the caller, with ringback. */
export interface Dial {
  /** All targets at once, or one after another. */
  strategy?: 'parallel' | 'in-turn';
  /** How long each target rings, in milliseconds: 1,000 to 600,000. */
  timeoutMs?: number;
  /** Who the callee sees. Its host is always the domain. */
  callerId?: Address;
  /** Lets the caller hear ringback while a target rings; a caller without media yet is sent 180 instead. */
  ringback?: boolean;
}

/**
 * Calls 1 to 16 targets for `caller`, whose end cancels the attempt, and gives the leg that answered.
 *
 * Throws {@link DialFailure}: that of the target whose reason says most, busy over no answer over unreachable.
 */
export function dial(caller: Leg, targets: Target | Target[], how: Dial = {}): Leg {
  const options = {
    strategy: how.strategy ?? 'parallel',
    timeoutMs: how.timeoutMs ?? 30_000,
    callerId: how.callerId ?? null,
    ringback: how.ringback ?? true,
  };
  const list = Array.isArray(targets) ? targets : [targets];
  return new Leg(answered(DialFailure, () => rawDial(caller.raw, list, options)));
}
