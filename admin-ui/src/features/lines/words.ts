import type { Schemas } from '../../api/client';
import { kindOf, namesIn, RING_S, ringOf, type Rule, type To } from './table';

type T = (key: string, options?: Record<string, unknown>) => string;

/** The conditions of a rule in words, one each. */
export function conditionsOf(rule: Rule, t: T): string[] {
  const { called = [], caller = [], withheld, schedule, when = 'open' } = rule;
  const callers = [...caller, ...(withheld ? [t('lines.withheldShort')] : [])];
  return [
    ...(called.length > 0 ? [t('lines.ifCalled', { numbers: called.join(', ') })] : []),
    ...(callers.length > 0 ? [t('lines.ifCaller', { numbers: callers.join(', ') })] : []),
    ...(schedule ? [t(`lines.ifHours.${when}`, { schedule })] : []),
  ];
}

/** A destination in words, without what is behind it. */
export function toWords(to: To, t: T): string {
  const kind = kindOf(to);
  if (typeof to !== 'string' && 'hang_up' in to) return t('lines.to.hang_up', { reason: t(`lines.reason.${to.hang_up}`) });
  return t(`lines.to.${kind}`, { name: namesIn(to).join(', '), time: ringOf(to).ring_s ?? RING_S });
}

/** The destinations of a rule, one behind the other, in words. */
export function wayWords(to: To, t: T): string[] {
  const { otherwise } = ringOf(to);
  return [toWords(to, t), ...(otherwise === undefined ? [] : wayWords(otherwise, t))];
}

/** Why a rule fits or not. */
export function factWords(fact: Schemas['LineFact'], t: T): string {
  const { code, holds, pattern, schedule, state, holiday } = fact;
  switch (code) {
    case 'called': case 'caller': return t(`lines.fact.${code}${holds ? '' : 'Not'}`, { pattern });
    case 'withheld': return t(`lines.fact.withheld${holds ? '' : 'Not'}`);
    case 'schedule': return t(`lines.fact.${state}`, { schedule, holiday });
    case 'schedule_unknown': return t('lines.fact.unknown', { schedule });
    default: return t(`lines.fact.${code}`, { defaultValue: fact.detail });
  }
}

/** What a rule is called: its name, else its place. */
export function ruleName(rule: Pick<Rule, 'name'>, index: number, t: T): string {
  return rule.name?.trim() || t('lines.ruleNo', { place: index + 1 });
}
