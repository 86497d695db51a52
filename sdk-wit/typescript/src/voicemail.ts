// Boxes that keep messages: one for each user of the domain, and those that the administrator made under a name of their
// own. A message's sound is a recording of the domain.
import * as raw from 'tandem:pbx/voicemail@0.2.0';
import { VoicemailError, answered } from './errors.ts';
import type { Recording } from './recording.ts';
import type { Address } from './types.ts';

/** `new`: nobody has listened to it; `heard`: somebody has; `saved`: it stays until it is deleted. */
export type State = raw.State;

/** A message: `recording` is the name for `Prompt.file`, or for a mail's attachments. */
export type Message = raw.Message;

/** How many messages a box has. */
export type Counts = raw.Counts;

/**
 * Puts a recording into a box, as a new message; it goes when the message does. Stored again in the same box it is the
 * same message. Throws {@link VoicemailError}.
 */
export function store(box: string, recording: Recording, caller: Address): Message {
  return answered(VoicemailError, () => raw.store(box, recording.name, caller, recording.durationMs));
}

/**
 * Up to `limit` (1 to 100) messages of a box, newest first, after the first `offset` of them; with a state only those.
 * Throws {@link VoicemailError}.
 */
export function list(box: string, state?: State, offset = 0, limit = 100): Message[] {
  return answered(VoicemailError, () => raw.list(box, state ?? null, offset, limit));
}

/** Gives a message of a box another state. Throws {@link VoicemailError}. */
export function mark(box: string, id: number, state: State): void {
  answered(VoicemailError, () => raw.mark(box, id, state));
}

/** Deletes a message of a box with its recording. There is none: nothing happens. Throws {@link VoicemailError}. */
export function remove(box: string, id: number): void {
  answered(VoicemailError, () => raw.delete(box, id));
}

/** How many messages a box has. Throws {@link VoicemailError}. */
export function count(box: string): Counts {
  return answered(VoicemailError, () => raw.count(box));
}
