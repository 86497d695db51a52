import type { TFunction } from 'i18next';

import { bodyAs, kindOf, promptsOf } from '../model/index';
import type { Condition, FlowNode, Menu, Port, Prompt, Value } from '../model/index';

/** What a node does, in words short enough to stand in its box. */
export function nodeWords(node: FlowNode, t: TFunction): string {
  const kind = kindOf(node);
  switch (kind) {
    case 'say':
    case 'menu': {
      const body = bodyAs(node, kind);
      return promptsOf(node)[0] ?? promptWords(((body as Menu).greeting ?? body.prompts)[0] ?? body.prompts[0], t);
    }
    case 'collect': {
      const { into, min = 1, max } = bodyAs(node, kind);
      return t(min === max ? 'words.collectExactly' : 'words.collect', { min, max, into: into || '…' });
    }
    case 'dial_user':
      return t('words.user', { user: bodyAs(node, kind).user || '…' });
    case 'dial_number':
    case 'transfer':
    case 'scenario':
      return t('words.number', { number: valueWords(bodyAs(node, kind).number) });
    case 'group': {
      const { users, strategy = 'all' } = bodyAs(node, kind);
      return `${users.filter(Boolean).join(', ') || '…'} · ${t(`strategy.${strategy}`)}`;
    }
    case 'voicemail':
      return t('words.box', { box: valueWords(bodyAs(node, kind).box) });
    case 'if':
      return conditionWords(bodyAs(node, kind).when, t);
    case 'set': {
      const { variable, value } = bodyAs(node, kind);
      return `${variable || '…'} = ${'text' in value ? `“${value.text}”` : valueWords(value)}`;
    }
    case 'http': {
      const { method, url } = bodyAs(node, kind);
      return `${method} ${url.replace(/^https?:\/\//, '') || '…'}`;
    }
    case 'flow':
      return bodyAs(node, kind).name || '…';
    case 'hang_up': {
      const cause = bodyAs(node, kind).cause ?? 'normal';
      return typeof cause === 'object' ? `SIP ${cause.status}` : t(`cause.${cause}`);
    }
    default:
      return t(`about.${kind}`);
  }
}

export function promptWords(prompt: Prompt | undefined, t: TFunction): string {
  if (prompt === undefined) return t('words.silent');
  if ('say' in prompt) return prompt.say;
  if ('speech' in prompt) return prompt.speech.text;
  if ('file' in prompt) return `♪ ${prompt.file}`;
  if ('silence_ms' in prompt) return t('words.silence', { ms: prompt.silence_ms });
  return t('words.tone', { hz: prompt.tone.hz, ms: prompt.tone.duration_ms });
}

export function valueWords(value: Value): string {
  return 'variable' in value ? `{${value.variable || '…'}}` : value.fixed || '…';
}

export function conditionWords(condition: Condition, t: TFunction): string {
  const words = (inner: Condition) => conditionWords(inner, t);
  if ('equals' in condition) return condition.equals.map(valueWords).join(' = ');
  if ('less' in condition) return condition.less.map(valueWords).join(' < ');
  if ('matches' in condition) return `${valueWords(condition.matches[0])} ~ ${condition.matches[1] || '…'}`;
  if ('open' in condition) return t('words.open', { name: condition.open || '…' });
  if ('not' in condition) return t('words.not', { what: words(condition.not) });
  const [parts, joint] = 'all' in condition ? [condition.all, t('words.and')] : [condition.any, t('words.or')];
  return parts.map(words).join(` ${joint} `) || '…';
}

export function portWords(port: Port, t: TFunction): string {
  if (port.role === 'choice') return port.digit;
  if (port.role === 'add') return t('port.add');
  return t(`port.${port.id.replace('on.', '')}`);
}

/** `1:05.250` would be too exact for a glance: minutes, seconds and tenths. */
export function timeWords(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const tenths = Math.floor((ms % 1000) / 100);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}.${tenths}`;
}
