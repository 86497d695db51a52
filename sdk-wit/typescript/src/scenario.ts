import type { Leg as RawLeg } from 'tandem:pbx/leg@0.2.0';
import * as log from './log.ts';
import { LegError } from './errors.ts';
import { Leg } from './leg.ts';
import { describe } from './failure.ts';
import { begin } from './sandbox.ts';

/** Handles one incoming call, ringing on `caller`. The call ends when this returns: legs still up are hung up. */
export type Handler = (caller: Leg) => void;

const ASYNC = 'the handler is async, and nothing would wait for it: every function of the SDK has waited when it returns';

let registered: Handler | undefined;

/**
 * Makes `handler` the scenario of this module; call it once, at the top level.
 *
 * What it throws goes to the call's log with its message, file, line and stack, and the call goes to the activation's
 * fall-back. Only a {@link LegError} that says that the caller is gone is an end like any other.
 */
export function scenario(handler: Handler): void {
  if (registered) {
    throw new Error('scenario() was called twice: a module has one scenario');
  }
  if (handler.constructor.name === 'AsyncFunction') {
    throw new Error(ASYNC);
  }
  registered = handler;
}

/** What the host calls: the export `call-handler` of the world. The builder's entry exports it. */
export const callHandler = {
  handle(caller: RawLeg): void {
    begin();
    const leg = new Leg(caller);
    try {
      const returned: unknown = (registered as Handler)(leg);
      if (returned instanceof Promise) {
        throw new Error(ASYNC);
      }
    } catch (error) {
      end(error, leg);
    }
  },
};

/** For the builder: a module without a scenario is told while it is built, not when the first call comes. */
export function check(): void {
  if (!registered) {
    throw new Error('the module never calls scenario(…): there is nothing that handles calls');
  }
}

function end(error: unknown, caller: Leg): void {
  // The caller hung up, and the handler left it at that: an end like any other.
  if (error instanceof LegError && error.kind === 'gone' && error.leg === caller) {
    return;
  }
  const { text, stack } = describe(error);
  log.error(stack ? `${text}\n${stack}` : text);
  // A text that is thrown is the error of the WIT `result`; an `Error` would be a trap without a word.
  throw text;
}
