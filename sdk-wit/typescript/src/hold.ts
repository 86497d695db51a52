import { hold as rawHold, resume as rawResume } from 'tandem:pbx/hold@0.2.0';
import { LegError, answered } from './errors.ts';
import type { Leg } from './leg.ts';

/**
 * Plays the domain's music, or a short melody where it has none, until `resume` or the next playback, collection,
 * recording or bridge on the leg. Returns at once. Throws {@link LegError}.
 */
export function hold(leg: Leg): void {
  answered(LegError, () => rawHold(leg.raw));
}

/** Ends the music. Not held: nothing happens. Throws {@link LegError}. */
export function resume(leg: Leg): void {
  answered(LegError, () => rawResume(leg.raw));
}
