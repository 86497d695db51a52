// Where in the scenario the call is: shown in the call's timeline, and by replay.
import { step as rawStep } from 'tandem:pbx/trace@0.2.0';

/**
 * Enters a step: `id` is its stable identifier, `name` what people call it, each up to 256 bytes.
 * What the scenario does next belongs to it, until the next step.
 */
export function step(id: string, name: string): void {
  rawStep(id, name);
}
