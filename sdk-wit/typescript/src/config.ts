// What the administrator set for this activation of the scenario.
import * as raw from 'tandem:pbx/config@0.2.0';

/** The configuration as JSON text, at most 1 MiB; `{}` when nothing was set. */
export function document(): string {
  return raw.document();
}

/** The number or pattern of the entry point that started the scenario. */
export function entryPoint(): string {
  return raw.entryPoint();
}

/** The name of the domain. */
export function domain(): string {
  return raw.domain();
}
