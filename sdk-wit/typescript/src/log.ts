// The scenario's log, kept with the call. A line has up to 4,096 bytes; longer ones are cut. `console` writes here too.
import { write as rawWrite, type Level as RawLevel } from 'tandem:pbx/log@0.2.0';

export type Level = RawLevel;

/** Writes one line. */
export function write(level: Level, text: string): void {
  rawWrite(level, text);
}

/** A line for whoever debugs the scenario. */
export function debug(text: string): void {
  write('debug', text);
}

/** A milestone of the call. */
export function info(text: string): void {
  write('info', text);
}

/** Something is not as it should be; the call goes on. */
export function warn(text: string): void {
  write('warn', text);
}

/** Someone must act. */
export function error(text: string): void {
  write('error', text);
}
