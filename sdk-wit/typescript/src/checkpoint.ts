import { load as rawLoad, renew as rawRenew } from 'tandem:pbx/checkpoint@0.2.0';
import { CheckpointError, answered } from './errors.ts';
import { Leg } from './leg.ts';
import { decode, encode } from './utf8.ts';

/** What the scenario handed over. */
export interface Saved {
  /** As it was given. */
  state: Uint8Array;
  /** The state, where it is UTF-8 text. */
  text(): string;
  /** The legs that the scenario held besides the caller's, in the order in which they were dialled. */
  legs: Leg[];
}

/** What was handed over, once. Undefined: the call has only begun, or it was asked before. */
export function load(): Saved | undefined {
  const saved = rawLoad();
  return saved && { state: saved.state, text: () => decode(saved.state), legs: saved.legs.map((leg) => new Leg(leg)) };
}

/**
 * Ends this instance and calls the handler again, with the same caller, in a new instance that can {@link load} the
 * state, at most 65,536 bytes; a text is handed over as UTF-8. Legs stay as they are; memory and journal begin anew, the
 * time to compute only after a minute. Does not return; throws {@link CheckpointError} where it is refused.
 */
export function renew(state: Uint8Array | string): never {
  const bytes = typeof state === 'string' ? encode(state) : state;
  answered(CheckpointError, () => rawRenew(bytes));
  throw new Error('renew: the host let it return');
}
