import type { Schemas } from '../../api/client';
import { type Keep, keepOf, secondsOf } from './KeepField';
import { changes, limits, shown } from './limits';

/** A domain's settings as they are typed. */
export type Draft = {
  timeZone: string; language: string; mailSender: string; blocked: boolean; keepCalls: Keep; keepJournals: Keep; limits: Record<string, string>;
};

export function draftOf(domain: Schemas['Domain']): Draft {
  return {
    timeZone: domain.time_zone,
    language: domain.language,
    mailSender: domain.mail_sender ?? '',
    blocked: domain.blocked ?? false,
    keepCalls: keepOf(domain.keep_calls_s),
    keepJournals: keepOf(domain.keep_journals_s),
    limits: Object.fromEntries(limits.map(({ name, unit }) => [name, shown(unit, domain.limits[name])])),
  };
}

/** What of the draft is another than the domain has. */
export function changeOf(domain: Schemas['Domain'], draft: Draft): Schemas['DomainEdit'] {
  const change: Schemas['DomainEdit'] = {};
  const sender = draft.mailSender.trim() || null;
  if (draft.timeZone !== domain.time_zone) change.time_zone = draft.timeZone;
  if (draft.language !== domain.language) change.language = draft.language;
  if (sender !== domain.mail_sender) change.mail_sender = sender;
  if (draft.blocked !== (domain.blocked ?? false)) change.blocked = draft.blocked;
  if (secondsOf(draft.keepCalls) !== domain.keep_calls_s) change.keep_calls_s = secondsOf(draft.keepCalls);
  if (secondsOf(draft.keepJournals) !== domain.keep_journals_s) change.keep_journals_s = secondsOf(draft.keepJournals);
  const changed = changes(domain.limits, draft.limits);
  if (Object.keys(changed).length > 0) change.limits = changed;
  return change;
}
