import { Leg as RawLeg } from 'tandem:pbx/leg@0.2.0';
import type { Address } from './types.ts';
import { type Cause, rawCause } from './types.ts';
import { type Prompt, rawPrompts } from './prompt.ts';
import { LegError, answered } from './errors.ts';

/** How digits are collected. What is left out: one digit, barge-in, no terminator, 5 s for the first, 3 s between two. */
export interface Collect {
  /** Played first; empty: nothing. */
  prompts?: Prompt[];
  /** A digit stops the prompts and counts. */
  bargeIn?: boolean;
  /** Fewer digits are not taken for an entry: 0 to 64. */
  min?: number;
  /** The entry ends with this many digits: 1 to 64, not below `min`. */
  max?: number;
  /** Digits out of `0-9*#A-D` that end the entry and are not part of it. */
  terminators?: string;
  /** Time for the first digit, counted from the end of the prompts, in milliseconds: 1 to 600,000. */
  firstDigitTimeoutMs?: number;
  /** Time between two digits, in milliseconds: 1 to 600,000. */
  interDigitTimeoutMs?: number;
}

/** Digits that a caller entered. */
export interface Collected {
  digits: string;
  /** Whether at least `min` digits are there. */
  complete: boolean;
  /** What ended the collection: `max` digits, a terminator, or the time. */
  end: 'full' | 'terminator' | 'timeout';
}

/** How `play` ended: everything was played, or another call on the leg ended it. */
export type PlayEnd = 'finished' | 'stopped';

// The garbage collector must not decide when a peer is hung up on: a leg lives to the end of the call, or to its disposal.
const held = new Set<Leg>();

/**
 * One peer's side of a call. It stays up to the end of the call; `hangUp` ends it before, and so does leaving the
 * block of a `using leg = dial(…)`.
 */
export class Leg {
  /** The binding below, for what this face leaves out. */
  readonly raw: RawLeg;

  constructor(raw: RawLeg) {
    this.raw = raw;
    held.add(this);
  }

  #ask<T>(ask: () => T): T {
    try {
      return answered(LegError, ask);
    } catch (error) {
      if (error instanceof LegError) {
        error.leg = this;
      }
      throw error;
    }
  }

  /** Who calls (an incoming leg) or is called (a dialled one). */
  peer(): Address {
    return this.raw.peer();
  }

  /** What was dialled (an incoming leg), or our caller's identity (a dialled one). */
  local(): Address {
    return this.raw.local();
  }

  /** The values of a header of the request that began the leg, one item a line; names are case-insensitive. */
  header(name: string): string[] {
    return this.raw.header(name);
  }

  /** Tells the caller that it rings (180). Throws {@link LegError}. */
  ring(): void {
    this.#ask(() => this.raw.ring());
  }

  /** Opens the way for sound before the answer (183). Throws {@link LegError}. */
  earlyMedia(): void {
    this.#ask(() => this.raw.earlyMedia());
  }

  /** Answers (200). Answered already: nothing happens. Throws {@link LegError}. */
  answer(): void {
    this.#ask(() => this.raw.answer());
  }

  /** Plays up to 64 prompts one after another, and returns with the end of the last. Throws {@link LegError}. */
  play(...prompts: Prompt[]): PlayEnd {
    return this.#ask(() => this.raw.play(rawPrompts(prompts)));
  }

  /** Collects digits. Throws {@link LegError}. */
  collect(rule: Collect = {}): Collected {
    const raw = {
      prompts: rawPrompts(rule.prompts ?? []),
      bargeIn: rule.bargeIn ?? true,
      min: rule.min ?? 1,
      max: rule.max ?? Math.max(1, rule.min ?? 1),
      terminators: rule.terminators ?? '',
      firstDigitTimeoutMs: rule.firstDigitTimeoutMs ?? 5_000,
      interDigitTimeoutMs: rule.interDigitTimeoutMs ?? 3_000,
    };
    return this.#ask(() => this.raw.collect(raw));
  }

  /** Sends up to 64 digits out of `0-9*#A-D`, 100 ms each; `,` is a pause of 500 ms. Throws {@link LegError}. */
  sendDigits(digits: string): void {
    this.#ask(() => this.raw.sendDigits(digits));
  }

  /**
   * Ends the leg: BYE, or the final status of `cause` where it was never answered. Ended already: nothing happens.
   * Throws {@link LegError}.
   */
  hangUp(cause: Cause = 'normal'): void {
    this.#ask(() => this.raw.hangUp(rawCause(cause)));
  }

  /** Gives the leg up; one that is still up is hung up with `normal`. */
  [Symbol.dispose](): void {
    if (held.delete(this)) {
      this.raw[Symbol.dispose]();
    }
  }
}
