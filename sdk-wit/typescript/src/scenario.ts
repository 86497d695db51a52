import type { Leg as RawLeg } from 'tandem:pbx/leg@0.2.0';
import { DialFailure, LegError } from './errors.ts';
import { Leg } from './leg.ts';
import { fail } from './failure.ts';
import { register, run } from './registry.ts';
import { begin } from './sandbox.ts';

/** Handles one incoming call, ringing on `caller`. The call ends when this returns: legs still up are hung up. */
export type Handler = (caller: Leg) => void;

/**
 * Makes `handler` the scenario of this module; call it once, at the top level.
 *
 * What it throws goes to the call's log with its message, file, line and stack, and the call goes to the activation's
 * fall-back. Only an error that says that the caller is gone is an end like any other: a {@link LegError} about it, or a
 * {@link DialFailure}.
 */
export function scenario(handler: Handler): void {
  register('call-scenario', handler);
}

/** What the host calls: the export `call-handler` of the world. The builder's entry exports it. */
export const callHandler = {
  handle(caller: RawLeg): void {
    begin();
    const leg = new Leg(caller);
    try {
      run(leg);
    } catch (error) {
      if (!saysGone(error, leg)) {
        fail(error);
      }
    }
  },
};

/** The caller hung up, and the handler left it at that: an end like any other. */
function saysGone(error: unknown, caller: Leg): boolean {
  const byLeg = error instanceof LegError && error.kind === 'gone' && error.leg === caller;
  return byLeg || (error instanceof DialFailure && error.kind === 'caller-gone');
}
