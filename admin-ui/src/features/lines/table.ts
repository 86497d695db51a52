/** The settings of a line (scenarios/line), and how their editor holds them: each rule with an id of its own. */

export const REASONS = ['unavailable', 'busy', 'declined', 'not_found', 'forbidden', 'congested', 'normal'] as const;
export const STRATEGIES = ['all', 'in_turn', 'random', 'round_robin', 'least_recent'] as const;
export const WHENS = ['open', 'closed', 'holiday'] as const;
export const KINDS = ['user', 'number', 'group', 'voicemail', 'scenario', 'hang_up', 'fall_back'] as const;

export type Reason = (typeof REASONS)[number];
export type Strategy = (typeof STRATEGIES)[number];
export type When = (typeof WHENS)[number];
export type Kind = (typeof KINDS)[number];
export type Ring = { ring_s?: number; otherwise?: To };
export type To =
  | { user: Ring & { user: string } }
  | { number: Ring & { number: string } }
  | { group: Ring & { members: string[]; strategy?: Strategy } }
  | { voicemail: { box: string } }
  | { scenario: { number: string } }
  | { hang_up: Reason }
  | 'fall_back';
export type Prompt = { say: string } | { file: string };
export interface Rule {
  name?: string;
  enabled?: boolean;
  called?: string[];
  caller?: string[];
  withheld?: boolean;
  schedule?: string;
  when?: When;
  before?: Prompt;
  to: To;
}
export interface Settings {
  rules?: Rule[];
  otherwise?: To;
  language?: string;
}

export type Row = { id: number; rule: Rule };
export interface Table {
  rows: Row[];
  otherwise: To;
  language: string;
}

/** What the server takes where nothing is said. */
export const RING_S = 30;
/** The most destinations one behind the other. */
export const DEPTH = 8;

let last = 0;
export const rowOf = (rule: Rule): Row => ({ id: (last += 1), rule });

/** The table of settings that the server has checked; what is none is an empty one. */
export function tableOf(settings: unknown): Table {
  const { rules = [], otherwise = { hang_up: 'unavailable' }, language = '' } = (settings ?? {}) as Settings;
  return { rows: rules.map(rowOf), otherwise, language };
}

/** What the server is sent. */
export function settingsOf({ rows, otherwise, language }: Table): Settings {
  return { rules: rows.map(({ rule }) => slim(rule)), otherwise, ...(language ? { language } : {}) };
}

/** Without what is as if it were not there. */
function slim(rule: Rule): Rule {
  const { name, enabled, called, caller, withheld, schedule, when, before, to } = rule;
  return {
    ...(name?.trim() ? { name: name.trim() } : {}), ...(enabled === false ? { enabled } : {}),
    ...(called?.length ? { called } : {}), ...(caller?.length ? { caller } : {}), ...(withheld ? { withheld } : {}),
    ...(schedule ? { schedule, ...(when && when !== 'open' ? { when } : {}) } : {}), ...(before ? { before } : {}), to,
  };
}

/** The rows with the one at `from` at the place `to` instead. */
export function moved(rows: Row[], from: number, to: number): Row[] {
  const row = rows[from];
  if (!row || to < 0 || to >= rows.length) return rows;
  const rest = rows.filter((_, at) => at !== from);
  return [...rest.slice(0, to), row, ...rest.slice(to)];
}

/** The rows with `row` at the place `at`. */
export function inserted(rows: Row[], at: number, row: Row): Row[] {
  return [...rows.slice(0, at), row, ...rows.slice(at)];
}

/** The rows with a copy of the one at `at` below it. */
export function duplicated(rows: Row[], at: number): Row[] {
  const row = rows[at];
  return row ? inserted(rows, at + 1, rowOf(structuredClone(row.rule))) : rows;
}

export function kindOf(to: To): Kind {
  return to === 'fall_back' ? to : (Object.keys(to)[0] as Kind);
}

/** A destination of another kind, with what both kinds have. */
export function toOf(kind: Kind, from: To): To {
  const { ring_s, otherwise } = ringOf(from);
  const ring = { ...(ring_s === undefined ? {} : { ring_s }), ...(otherwise === undefined ? {} : { otherwise }) };
  const name = namesIn(from)[0] ?? '';
  switch (kind) {
    case 'user': return { user: { user: name, ...ring } };
    case 'number': return { number: { number: name, ...ring } };
    case 'group': return { group: { members: name ? [name] : [], ...ring } };
    case 'voicemail': return { voicemail: { box: name } };
    case 'scenario': return { scenario: { number: '' } };
    case 'hang_up': return { hang_up: 'unavailable' };
    case 'fall_back': return 'fall_back';
  }
}

/** What a destination that rings has of its own; of the others nothing. */
export function ringOf(to: To): Ring {
  if (typeof to === 'string') return {};
  if ('user' in to) return to.user;
  if ('number' in to) return to.number;
  return 'group' in to ? to.group : {};
}

/** Whom a destination names. */
export function namesIn(to: To): string[] {
  if (typeof to === 'string') return [];
  if ('user' in to) return [to.user.user];
  if ('number' in to) return [to.number.number];
  if ('group' in to) return to.group.members;
  if ('voicemail' in to) return [to.voicemail.box];
  return 'scenario' in to ? [to.scenario.number] : [];
}

/** Whether a text is a number or pattern, as the server reads it. */
export function isPattern(text: string): boolean {
  return text.length <= 64 && /^[+0-9a-zX#*._-][0-9a-zX#*._-]*$/.test(text);
}

/** What is wrong with a rule: the field, and the text that says it. `to.user`, or `to.otherwise.box`, in a destination. */
export type Problems = Record<string, string>;

export function problemsOf(rule: Rule): Problems {
  const problems: Problems = {};
  if ((rule.name ?? '').length > 64) problems['name'] = 'lines.longName';
  for (const field of ['called', 'caller'] as const) {
    if (rule[field]?.some((text) => !isPattern(text))) problems[field] = 'lines.noPattern';
  }
  if (rule.before && 'say' in rule.before && !rule.before.say.trim()) problems['before'] = 'lines.needText';
  if (rule.before && 'file' in rule.before && !rule.before.file) problems['before'] = 'lines.needFile';
  wrongTo(rule.to, 'to', problems);
  return problems;
}

/** The same of a destination, whose place is `at`. */
export function wrongTo(to: To, at: string, problems: Problems) {
  const names = namesIn(to);
  const needsOne = to !== 'fall_back' && !('hang_up' in to);
  if (needsOne && (names.length === 0 || names.some((name) => !name.trim() || name.length > 64))) problems[at] = 'lines.needTarget';
  if (names.length > 16) problems[at] = 'lines.manyMembers';
  const { ring_s = RING_S, otherwise } = ringOf(to);
  if (!(Number.isInteger(ring_s) && ring_s >= 1 && ring_s <= 600)) problems[`${at}.ring_s`] = 'lines.wrongRing';
  if (otherwise !== undefined) wrongTo(otherwise, `${at}.otherwise`, problems);
}

/** A number that a pattern matches, to begin a test with. */
export function sampleOf(pattern: string): string {
  return pattern.replaceAll('X', '0').replace(/(.)\*$/, '$10').replace(/^\*$/, '');
}
