import type { NodeId } from './types';

export type Severity = 'error' | 'warning';

/** The server's codes where it has them (scenarios/flow/src/problem.rs); the others are the editor's own. */
export type Code =
  | 'malformed'
  | 'version'
  | 'unknown_node'
  | 'duplicate_id'
  | 'unreachable'
  | 'bad_digit'
  | 'unknown_variable'
  | 'range'
  | 'count'
  | 'leads_nowhere'
  | 'no_start'
  | 'call_ends'
  | 'loop'
  | 'maybe_loop'
  | 'maybe_unset'
  | 'unset'
  | 'empty_prompt'
  | 'silent_menu'
  | 'unknown_user'
  | 'unknown_prompt'
  | 'unknown_schedule'
  | 'unknown_flow'
  | 'unknown_number'
  | 'calls_itself'
  | 'bad_name'
  | 'bad_url'
  | 'bad_json'
  | 'bad_pointer'
  | 'bad_header'
  | 'duplicate_user'
  | 'empty_condition';

export interface Problem {
  /** `null`: the flow itself. */
  node: NodeId | null;
  /** Inside the node or the flow, such as `menu.choices.7`; empty: all of it. */
  path: string;
  severity: Severity;
  code: Code;
  /** What the sentence of the code needs. */
  args: Record<string, string | number>;
  /** Set where the server said it in words. */
  detail?: string;
}

export function countErrors(problems: readonly Problem[]): number {
  return problems.filter((problem) => problem.severity === 'error').length;
}
