import { bodyAs, bodyOf, kindOf } from './kinds';
import { promptListsOf, wordsOf } from './texts';
import type { Report } from './validate';
import { LIMITS } from './types';
import type { Condition, FlowNode, Http, Prompt, Value } from './types';

/** Names that the domain has; what is absent is not known and not complained about. */
export interface Known {
  /** The flow's own name in the domain. */
  self?: string;
  users?: ReadonlySet<string>;
  prompts?: ReadonlySet<string>;
  schedules?: ReadonlySet<string>;
  flows?: ReadonlySet<string>;
  numbers?: ReadonlySet<string>;
}

const NAME = /^[A-Za-z_][\w.-]*$/;
const DIGITS_ONLY = /^[0-9*#A-D]*$/;

/** Checks one node's settings: ranges, lengths, digits, names. */
export function checkBody(report: Report, node: FlowNode, known: Known): void {
  const kind = kindOf(node);
  for (const { key, prompts } of promptListsOf(node)) {
    checkPrompts(report, `${kind}.${key}`, prompts, kind === 'say' ? 1 : 0, known);
  }
  switch (kind) {
    case 'menu':
      return checkMenu(report, node);
    case 'collect':
      return checkCollect(report, node);
    case 'dial_user':
      return checkUser(report, 'dial_user.user', bodyAs(node, kind).user, known), checkRing(report, node);
    case 'dial_number':
      return checkValue(report, 'dial_number.number', bodyAs(node, kind).number, known.numbers), checkRing(report, node);
    case 'group':
      return checkGroup(report, node, known);
    case 'transfer':
    case 'scenario':
      // A transfer may lead outside: only an entry point must be a number of the domain.
      return checkValue(report, `${kind}.number`, bodyAs(node, kind).number, kind === 'scenario' ? known.numbers : undefined);
    case 'voicemail':
      return checkValue(report, 'voicemail.box', bodyAs(node, kind).box, undefined);
    case 'if':
      return checkCondition(report, 'if.when', bodyAs(node, kind).when, known);
    case 'set':
      return checkSet(report, node);
    case 'http':
      return checkHttp(report, bodyAs(node, kind));
    case 'flow':
      return checkSubFlow(report, bodyAs(node, kind).name, known);
    case 'hang_up': {
      const { cause } = bodyAs(node, kind);
      if (typeof cause === 'object') report.range('hang_up.cause.status', cause.status, ...LIMITS.status);
      return;
    }
    default:
      return;
  }
}

function checkPrompts(report: Report, path: string, prompts: readonly Prompt[], least: number, known: Known): void {
  report.count(path, prompts.length, least, LIMITS.prompts, 'prompts');
  prompts.forEach((prompt, index) => {
    const at = (key: string) => `${path}.${index}.${key}`;
    if ('say' in prompt || 'speech' in prompt) {
      const key = 'say' in prompt ? 'say' : 'speech.text';
      const words = wordsOf(prompt);
      report.count(at(key), [...words].length, 1, LIMITS.text, 'characters');
      if (words !== '' && words.trim() === '') report.add(at(key), 'warning', 'empty_prompt');
    } else if ('file' in prompt) {
      report.bytes(at('file'), prompt.file, 1, 256);
      missing(report, at('file'), 'unknown_prompt', prompt.file, known.prompts);
    } else if ('silence_ms' in prompt) report.range(at('silence_ms'), prompt.silence_ms, 1, LIMITS.time_ms);
    else {
      report.range(at('tone.hz'), prompt.tone.hz, ...LIMITS.hz);
      report.range(at('tone.second_hz'), prompt.tone.second_hz ?? undefined, ...LIMITS.hz);
      report.range(at('tone.duration_ms'), prompt.tone.duration_ms, 1, LIMITS.time_ms);
    }
  });
}

type Missing = 'unknown_user' | 'unknown_prompt' | 'unknown_schedule' | 'unknown_flow' | 'unknown_number';

function missing(report: Report, path: string, code: Missing, name: string, names: ReadonlySet<string> | undefined): void {
  // A warning: it may be made later, and the server runs the flow all the same.
  if (name !== '' && names !== undefined && !names.has(name)) report.add(path, 'warning', code, { name });
}

function checkMenu(report: Report, node: FlowNode): void {
  const menu = bodyAs(node, 'menu');
  const heard = (menu.greeting?.length ?? 0) + menu.prompts.length;
  report.count('menu.prompts', heard, 0, LIMITS.prompts, 'prompts');
  if (heard === 0) report.add('menu.prompts', 'warning', 'silent_menu');
  report.count('menu.choices', Object.keys(menu.choices).length, 1, 16, 'choices');
  for (const digit of Object.keys(menu.choices)) {
    if (digit.length !== 1 || !DIGITS_ONLY.test(digit)) report.add(`menu.choices.${digit}`, 'error', 'bad_digit', { digit });
  }
  report.range('menu.timeout_ms', menu.timeout_ms, 1, LIMITS.time_ms);
  report.range('menu.retries', menu.retries, 0, LIMITS.retries);
}

function checkCollect(report: Report, node: FlowNode): void {
  const collect = bodyAs(node, 'collect');
  checkName(report, 'collect.into', collect.into);
  report.range('collect.min', collect.min, 1, LIMITS.digits);
  report.range('collect.max', collect.max, Math.min(Math.max(collect.min ?? 1, 1), LIMITS.digits), LIMITS.digits);
  const terminators = collect.terminators ?? '#';
  if (!DIGITS_ONLY.test(terminators)) report.add('collect.terminators', 'error', 'bad_digit', { digit: terminators });
  report.range('collect.timeout_ms', collect.timeout_ms, 1, LIMITS.time_ms);
  report.range('collect.digit_timeout_ms', collect.digit_timeout_ms, 1, LIMITS.time_ms);
  report.range('collect.retries', collect.retries, 0, LIMITS.retries);
}

function checkName(report: Report, path: string, name: string): void {
  report.bytes(path, name, 1, 64);
  // Any text is a name to the server, but a text's `{name}` finds only such ones.
  if (name !== '' && !NAME.test(name)) report.add(path, 'warning', 'bad_name', { name });
}

function checkUser(report: Report, path: string, user: string, known: Known): void {
  report.bytes(path, user, 1, 256);
  missing(report, path, 'unknown_user', user, known.users);
}

function checkRing(report: Report, node: FlowNode): void {
  report.range(`${kindOf(node)}.timeout_s`, bodyOf(node).timeout_s as number | undefined, 1, LIMITS.ring_s);
}

function checkGroup(report: Report, node: FlowNode, known: Known): void {
  const { users } = bodyAs(node, 'group');
  report.count('group.users', users.length, 1, 16, 'users');
  users.forEach((user, index) => {
    checkUser(report, `group.users.${index}`, user, known);
    if (users.indexOf(user) !== index) report.add(`group.users.${index}`, 'warning', 'duplicate_user', { name: user });
  });
  checkRing(report, node);
}

function checkValue(report: Report, path: string, value: Value, numbers: ReadonlySet<string> | undefined): void {
  if ('variable' in value) {
    if (value.variable === '') report.bytes(`${path}.variable`, '', 1, 64);
    return;
  }
  report.bytes(`${path}.fixed`, value.fixed, 1, 256);
  missing(report, `${path}.fixed`, 'unknown_number', value.fixed, numbers);
}

function checkCondition(report: Report, path: string, condition: Condition, known: Known): void {
  const inner = (given: Condition, at: string) => checkCondition(report, at, given, known);
  if ('all' in condition || 'any' in condition) {
    const key = 'all' in condition ? 'all' : 'any';
    const parts = 'all' in condition ? condition.all : condition.any;
    if (parts.length === 0) report.add(`${path}.${key}`, 'error', 'empty_condition');
    parts.forEach((part, index) => inner(part, `${path}.${key}.${index}`));
  } else if ('not' in condition) inner(condition.not, `${path}.not`);
  else if ('open' in condition) {
    report.bytes(`${path}.open`, condition.open, 1, 256);
    missing(report, `${path}.open`, 'unknown_schedule', condition.open, known.schedules);
  } else if ('matches' in condition) {
    report.bytes(`${path}.matches.1`, condition.matches[1], 1, 1024);
  }
}

function checkSet(report: Report, node: FlowNode): void {
  const { variable, value } = bodyAs(node, 'set');
  checkName(report, 'set.variable', variable);
  if ('text' in value) report.count('set.value.text', [...value.text].length, 0, LIMITS.text, 'characters');
}

function checkHttp(report: Report, http: Http): void {
  if (!isUrl(http.url)) report.add('http.url', 'error', 'bad_url');
  report.range('http.timeout_s', http.timeout_s, 1, 60);
  if (http.method === 'POST' && http.body !== undefined && http.body !== '' && !isJson(http.body)) {
    report.add('http.body', 'warning', 'bad_json');
  }
  for (const name of Object.keys(http.headers ?? {})) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) report.add(`http.headers.${name}`, 'error', 'bad_header', { name });
  }
  for (const [variable, pointer] of Object.entries(http.into ?? {})) {
    checkName(report, `http.into.${variable}`, variable);
    if (pointer !== '' && !pointer.startsWith('/')) report.add(`http.into.${variable}`, 'error', 'bad_pointer', { pointer });
  }
}

function isUrl(text: string): boolean {
  try {
    const url = new URL(text.replaceAll(/\{[^{}]*\}/g, '0'));
    return (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname !== '';
  } catch {
    return false;
  }
}

function isJson(text: string): boolean {
  const filled = text.replaceAll(/\{([A-Za-z_][\w.-]*)\}/g, '0');
  try {
    JSON.parse(filled);
    return true;
  } catch {
    return false;
  }
}

function checkSubFlow(report: Report, name: string, known: Known): void {
  report.bytes('flow.name', name, 1, 256);
  if (name !== '' && name === known.self) report.add('flow.name', 'warning', 'calls_itself');
  else missing(report, 'flow.name', 'unknown_flow', name, known.flows);
}
