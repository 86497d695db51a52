import { transfer as rawTransfer, type TransferTarget as RawTarget } from 'tandem:pbx/transfer@0.2.0';
import { TransferFailure, answered } from './errors.ts';
import type { Leg } from './leg.ts';

/** Whom the phone is to call. */
export type TransferTarget = RawTarget;

export const TransferTarget = {
  /** A number or user of the domain. */
  number(number: string): TransferTarget {
    return { tag: 'number', val: number };
  },

  /** A `sip:`, `sips:` or `tel:` URI, at most 512 bytes. */
  uri(uri: string): TransferTarget {
    return { tag: 'uri', val: uri };
  },
};

/**
 * Asks the phone of an answered leg to call somebody else (REFER), and returns with the outcome of that call, or after
 * `timeoutMs` (1,000 to 600,000). The leg stays up: hang it up after success, or go on with it after a failure.
 *
 * Throws {@link TransferFailure}.
 */
export function transfer(leg: Leg, target: TransferTarget, timeoutMs = 60_000): void {
  answered(TransferFailure, () => rawTransfer(leg.raw, target, timeoutMs));
}
