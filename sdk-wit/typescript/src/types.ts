import type { Cause as RawCause } from 'tandem:pbx/types@0.2.0';

/** Who calls or is called, as SIP carries it. */
export interface Address {
  /** The user part of the URI, unescaped: an extension or a number. */
  user: string;
  /** The host part: a domain's name. */
  host: string;
  /** The display name; empty where none was sent. */
  displayName: string;
}

/**
 * Why a leg or a call ends: `normal` is BYE, or 480 for a leg never answered; the others are the SIP statuses 486, 603,
 * 404, 403, 480 and 503; a number is any other final status, 400 to 699.
 */
export type Cause =
  | 'normal'
  | 'busy'
  | 'declined'
  | 'not-found'
  | 'forbidden'
  | 'unavailable'
  | 'congested'
  | number;

export function rawCause(cause: Cause): RawCause {
  return typeof cause === 'number' ? { tag: 'status', val: cause } : { tag: cause };
}

/** Tones by their meaning; the national plan gives frequencies and cadence. */
export type CallProgressTone = 'dial' | 'ringback' | 'busy' | 'congestion' | 'special-information';
