// What happens on several legs at once: digits that their peers press, and their ends.
import * as raw from 'tandem:pbx/leg-events@0.2.0';
import { LegError, answered } from './errors.ts';
import type { Leg } from './leg.ts';

/** What has happened: a leg's peer pressed a digit, a leg is gone, or nothing of that for as long as was waited. */
export type LegEvent =
  | { kind: 'digit'; leg: Leg; digit: string }
  | { kind: 'gone'; leg: Leg }
  | { kind: 'timeout' };

/** Why a bridge ended that a digit can end. After `digit` both legs are up. */
export type BridgeUntilEnd =
  | { kind: 'digit'; digit: string }
  | { kind: 'first-hung-up' | 'second-hung-up' | 'lost' };

/**
 * Waits for the first thing that happens on up to 8 legs, for up to 24 hours, without a sound of its own. Digits pressed
 * before, since the last collection on their leg, count, one a call; of several legs the first in the list is told first.
 *
 * Throws {@link LegError}.
 */
export function wait(legs: Leg[], timeoutMs: number): LegEvent {
  const event = answered(LegError, () =>
    raw.wait(
      legs.map((leg) => leg.raw),
      timeoutMs,
    ),
  );
  switch (event.tag) {
    case 'digit':
      return { kind: 'digit', leg: legs[event.val[0]]!, digit: event.val[1] };
    case 'gone':
      return { kind: 'gone', leg: legs[event.val]! };
    case 'timeout':
      return { kind: 'timeout' };
  }
}

/**
 * As `bridge`, until the peer of `first` presses one of `digits` (1 to 16 out of `0-9*#A-D`), which parts the two and leaves
 * both legs up: for codes within a call. What is pressed after it waits for the next collection.
 *
 * Throws {@link LegError}.
 */
export function bridgeUntil(first: Leg, second: Leg, digits: string): BridgeUntilEnd {
  const end = answered(LegError, () => raw.bridgeUntil(first.raw, second.raw, digits));
  return end.tag === 'digit' ? { kind: 'digit', digit: end.val } : { kind: end.tag };
}
