import { bridge as rawBridge, type BridgeEnd as RawBridgeEnd } from 'tandem:pbx/bridge@0.2.0';
import { LegError, answered } from './errors.ts';
import type { Leg } from './leg.ts';

/** Why a bridge ended: one of the peers hung up, or the media of one was lost. */
export type BridgeEnd = RawBridgeEnd;

/**
 * Connects two legs and returns when one of them is gone; answers `first` if it is not answered yet.
 *
 * The other leg stays up: hang it up or go on with it. Throws {@link LegError}; `gone`: one was gone already, nothing
 * was bridged.
 */
export function bridge(first: Leg, second: Leg): BridgeEnd {
  return answered(LegError, () => rawBridge(first.raw, second.raw));
}
