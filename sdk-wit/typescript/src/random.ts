// Random numbers that a replay sees again. `Math.random` and `crypto` draw them too.
import { next as rawNext } from 'tandem:pbx/random@0.2.0';

/** 53 random bits, as many as a number holds: a whole number from 0 to `Number.MAX_SAFE_INTEGER`. */
export function next(): number {
  // The host's 64 bits come as the nearest number, so the greatest of them as 2^64 itself.
  return Math.min(Math.floor(rawNext() / 2 ** 11), Number.MAX_SAFE_INTEGER);
}
