// Calls that no caller began.
import * as raw from 'tandem:pbx/originate@0.2.0';
import { OriginateFailure, answered } from './errors.ts';
import type { Target } from './dial.ts';
import type { Address } from './types.ts';

/** How to ring. What is left out: for 30 s, showing the entry point's number. */
export interface Originate {
  /** Who the target sees. Its host is always the domain. */
  callerId?: Address;
  /** How long the target rings, in milliseconds: 1,000 to 600,000. */
  ringMs?: number;
}

/**
 * Begins a call to a target and gives its id, without waiting for the answer. When a device of the target answers, the
 * scenario behind `entryPoint` handles the call, with the leg that answered as its caller; it reads `data` (at most 8,192
 * bytes) by {@link data}. A domain originates at most 60 calls a minute.
 *
 * Throws {@link OriginateFailure}.
 */
export function call(target: Target, entryPoint: string, data = '', how: Originate = {}): string {
  const options = { callerId: how.callerId ?? null, ringMs: how.ringMs ?? 30_000 };
  return answered(OriginateFailure, () => raw.call(target, entryPoint, data, options));
}

/** What this call was originated with; undefined: a caller began it. */
export function data(): string | undefined {
  return raw.data() ?? undefined;
}
