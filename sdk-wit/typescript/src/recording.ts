// Recordings of what is said on legs: WAV files of the domain, which outlive the call.
import { Recorder as RawRecorder, delete as rawDelete, record as rawRecord, start as rawStart } from 'tandem:pbx/recording@0.2.0';
import type { Recorded as RawRecorded, Recording as RawRecording } from 'tandem:pbx/recording@0.2.0';
import { RecordingError, answered } from './errors.ts';
import type { Leg } from './leg.ts';

/** A recording: its name for `Prompt.file` and `deleteRecording`, its length, the bytes of its file. */
export type Recording = RawRecording;

/** A recording that has ended, what ended it, and the stop digit that was pressed. */
export type Recorded = RawRecorded;

/** How a message is recorded. What is left out: a beep, 2 minutes at most, until 4 s of silence or `#`. */
export interface Record {
  /** Plays a tone first. It is not part of the recording. */
  beep?: boolean;
  /** Ends when it is so long, in milliseconds: 1,000 to 1,200,000. */
  lengthMs?: number;
  /** Ends when the peer was silent for so long, in milliseconds: 500 to 60,000; 0: never. */
  silenceMs?: number;
  /** Digits out of `0-9*#A-D` that end it. */
  stopDigits?: string;
  /** A digit that pauses it, and pressed once more lets it go on. */
  pauseDigit?: string;
}

/**
 * Records what the peer says, until the rule ends it or the leg is over; what was recorded by then is kept.
 *
 * Throws {@link RecordingError}; `gone`: the leg was over before anything was recorded.
 */
export function record(leg: Leg, rule: Record = {}): Recorded {
  const raw = {
    beep: rule.beep ?? true,
    lengthMs: rule.lengthMs ?? 120_000,
    silenceMs: rule.silenceMs ?? 4_000,
    stopDigits: rule.stopDigits ?? '#',
    pauseDigit: rule.pauseDigit ?? '',
  };
  return answered(RecordingError, () => rawRecord(leg.raw, raw));
}

// The garbage collector must not decide when a recording ends.
const held = new Set<Recorder>();

/** A recording in the background. It goes on to the end of the leg; `finish` ends it before. */
export class Recorder {
  /** The binding below, for what this face leaves out. */
  readonly raw: RawRecorder;

  constructor(raw: RawRecorder) {
    this.raw = raw;
    held.add(this);
  }

  /** Nothing is recorded until `resume`. Throws {@link RecordingError}. */
  pause(): void {
    answered(RecordingError, () => this.raw.pause());
  }

  /** Goes on after `pause`. Throws {@link RecordingError}. */
  resume(): void {
    answered(RecordingError, () => this.raw.resume());
  }

  /** Ends the recording, where it has not ended by itself, and gives it. Throws {@link RecordingError}. */
  finish(): Recorded {
    return answered(RecordingError, () => this.raw.finish());
  }

  /** Gives the recorder up; a recording under way ends, and stays. */
  [Symbol.dispose](): void {
    if (held.delete(this)) {
      this.raw[Symbol.dispose]();
    }
  }
}

/**
 * Records in the background, until `lengthMs` (1,000 to 14,400,000), `finish` or the leg's end. `both`: what the peer says
 * and what it hears, mixed. Throws {@link RecordingError}.
 */
export function startRecording(leg: Leg, side: 'peer' | 'both' = 'both', lengthMs = 14_400_000): Recorder {
  return new Recorder(answered(RecordingError, () => rawStart(leg.raw, side, lengthMs)));
}

/** Deletes a recording of the domain, by its name. There is none: nothing happens. Throws {@link RecordingError}. */
export function deleteRecording(name: string): void {
  answered(RecordingError, () => rawDelete(name));
}
