import { send, type Delivery as RawDelivery } from 'tandem:pbx/message@0.2.0';
import { MessageFailure, answered } from './errors.ts';
import type { Address } from './types.ts';

/** How many devices a message was sent to, and how many accepted it. */
export type Delivery = RawDelivery;

/**
 * Sends a text (1 to 1,300 bytes of UTF-8) to every registered device of a user, and returns when each has answered or
 * was given up. `sender`: whom the user sees; by default the number that the caller dialled.
 *
 * Throws {@link MessageFailure}.
 */
export function sendMessage(user: string, text: string, sender?: Address): Delivery {
  return answered(MessageFailure, () => send(user, text, sender ?? null));
}
