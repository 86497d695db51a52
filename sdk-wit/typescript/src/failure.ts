// What was thrown, in words, with places in the sources as their author wrote them.
import * as log from './log.ts';
import { original, type Place } from './sourceMap.ts';

/** Logs what was thrown and ends the run with it. */
export function fail(error: unknown): never {
  const { text, stack } = describe(error);
  log.error(stack ? `${text}\n${stack}` : text);
  // A text that is thrown is the error of the WIT `result`; an `Error` would be a trap without a word.
  throw text;
}

/** A thrown value: one line that says what and where, and the stack below it. */
export function describe(error: unknown): { text: string; stack: string } {
  if (!(error instanceof Error)) {
    return { text: `thrown: ${shown(error)}`, stack: '' };
  }
  const frames = (error.stack ?? '').split('\n').flatMap(frame);
  // An error of ours is made in this package; what its author wants to see is the line that called.
  const blamed = frames.find((frame) => !frame.ours) ?? frames[0];
  const cause = error.cause === undefined ? '' : `, caused by ${causeOf(error.cause)}`;
  const text = `${error.name}: ${error.message}${blamed ? ` (${blamed.place})` : ''}${cause}`;
  const stack = frames
    .filter((frame) => !frame.ours)
    .map((frame) => `  at ${frame.name} (${frame.place})`)
    .join('\n');
  return { text, stack };
}

function causeOf(cause: unknown): string {
  return cause instanceof Error ? describe(cause).text : shown(cause);
}

function shown(value: unknown): string {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return String(value);
  }
}

interface Frame {
  name: string;
  place: string;
  ours: boolean;
}

// QuickJS writes a frame as `    at function (file:line:column)`.
function frame(line: string): Frame[] {
  const parts = /^\s*at (?:(.*) \()?[^()]*:(\d+):(\d+)\)?$/.exec(line);
  if (!parts) {
    return [];
  }
  const [, name = '<anonymous>', row, column] = parts;
  const place: Place | undefined = original(Number(row), Number(column));
  // No original: the engine's own glue around the handler.
  if (!place) {
    return [];
  }
  return [
    {
      name,
      place: `${place.source}:${place.line}:${place.column}`,
      ours: place.source.startsWith('@tandem/scenario/'),
    },
  ];
}
