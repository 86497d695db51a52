import { pickUp as rawPickUp } from 'tandem:pbx/pickup@0.2.0';
import { PickUpFailure, answered } from './errors.ts';
import { Leg } from './leg.ts';

/**
 * Takes over the call that has rung longest at one of these users (1 to 64 names), and gives a leg for who calls there:
 * bridge `picker`, an answered leg, with it to talk. That leg can be bridged and hung up, nothing else.
 *
 * Throws {@link PickUpFailure}.
 */
export function pickUp(picker: Leg, users: string[]): Leg {
  return new Leg(answered(PickUpFailure, () => rawPickUp(picker.raw, users)));
}
