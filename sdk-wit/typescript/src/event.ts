// What an event scenario is told.
import { fail } from './failure.ts';
import { register, run } from './registry.ts';
import { begin } from './sandbox.ts';

interface RawEvent {
  id: string;
  kind: string;
  atMs: number | bigint;
  data: string;
}

/** Something that happened in the domain. */
export class Event {
  /** Its own name. An event that is given again after a failure or a crash has the same one. */
  readonly id: string;
  /** `call-ended`, `timer` …; later versions know more. */
  readonly kind: string;
  /** When it happened, in milliseconds since 1970-01-01T00:00:00Z. */
  readonly atMs: number;
  /** What is to know of it: the fields that docs/scenarios/web-and-events.md lists. */
  readonly data: Record<string, unknown>;

  constructor(raw: RawEvent) {
    this.id = raw.id;
    this.kind = raw.kind;
    this.atMs = Number(raw.atMs);
    this.data = JSON.parse(raw.data) as Record<string, unknown>;
  }
}

/** Handles one event, within 60 seconds. */
export type EventHandler = (event: Event) => void;

/**
 * Makes `handler` the event scenario of this module; call it once, at the top level. The project's package.json says
 * `"tandem": { "world": "event-scenario" }`.
 *
 * What it throws goes to the scenario's log with its message, file, line and stack, and the event is given again later.
 */
export function eventScenario(handler: EventHandler): void {
  register('event-scenario', handler);
}

/** What the host calls: the export `event-handler` of the world. The builder's entry exports it. */
export const eventHandler = {
  handle(raw: RawEvent): void {
    begin();
    try {
      run(new Event(raw));
    } catch (error) {
      fail(error);
    }
  },
};
