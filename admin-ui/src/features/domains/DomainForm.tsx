import { Button, Fieldset, Group, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import type { Difference } from '../../components/Conflict';
import { fieldsOf } from '../../components/Failure';
import { LeaveGuard } from '../../components/LeaveGuard';
import { SaveProblem } from '../../components/SaveProblem';
import { inPlace } from '../../lib/inPlace';
import { type Read, useSaving } from '../../lib/useSaving';
import { useSession } from '../session/SessionProvider';
import { type Draft, changeOf, draftOf } from './draft';
import { KeepField } from './KeepField';
import { LimitFields } from './LimitFields';
import { limits } from './limits';
import { readDomain } from './queries';
import { SpokenLanguage } from './SpokenLanguage';
import { TimeZone } from './TimeZone';

type Domain = Schemas['Domain'];

export function DomainForm({ first, onSaved }: { first: Read<Domain>; onSaved: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const isSystem = useSession().session.account.role === 'system';
  const [base, setBase] = useState(first.data);
  const [draft, setDraft] = useState(() => draftOf(first.data));
  const domain = first.data.name;
  const set = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }));
  const change = changeOf(base, draft);
  const dirty = Object.keys(change).length > 0;
  const saving = useSaving({
    first,
    read: () => readDomain(domain),
    save: (etag) => taken(api.PATCH('/domains/{domain}', { params: { path: { domain }, header: { 'If-Match': etag } }, body: change })),
    onSaved: () => {
      void queries.invalidateQueries({ queryKey: ['domains'] });
      notifications.show({ message: t('common.saved') });
      onSaved();
    },
    onTheirs: (theirs) => {
      setBase(theirs);
      setDraft(draftOf(theirs));
    },
  });
  const differences = (): Difference[] => {
    const [theirs, was] = [draftOf(saving.conflict?.data ?? base), draftOf(base)];
    const keep = ({ amount, unit }: Draft['keepCalls']) => `${amount} ${t(`settings.${unit}`)}`.trim();
    const yes = (on: boolean) => t(on ? 'common.yes' : 'common.no');
    // What I did not change is not saved over theirs.
    const rows = [
      [t('domains.timeZone'), draft.timeZone, theirs.timeZone, was.timeZone],
      [t('domains.language'), draft.language, theirs.language, was.language],
      [t('settings.keepCalls'), keep(draft.keepCalls), keep(theirs.keepCalls), keep(was.keepCalls)],
      [t('settings.keepJournals'), keep(draft.keepJournals), keep(theirs.keepJournals), keep(was.keepJournals)],
      [t('settings.mailSender'), draft.mailSender, theirs.mailSender, was.mailSender],
      [t('settings.blocked'), yes(draft.blocked), yes(theirs.blocked), yes(was.blocked)],
      ...limits.map(({ name }) => [t(`limits.${name}`), draft.limits[name], theirs.limits[name], was.limits[name]]),
    ];
    return rows.filter(([, mine, , before]) => mine !== before)
      .map(([label = '', mine = '', other = '']) => ({ label, mine, theirs: other }));
  };
  const fields = fieldsOf(saving.error);
  return (
    <form onSubmit={inPlace(saving.submit)}>
      <LeaveGuard dirty={dirty && !saving.isPending} />
      <Stack>
        <SaveProblem saving={saving} differences={differences}
          shown={['time_zone', 'language', 'keep_journals_s', 'keep_calls_s', 'mail_sender', 'limits']} />
        <Fieldset legend={t('settings.general')}>
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput label={t('domains.realm')} value={base.realm} description={t('settings.realmHint')} readOnly variant="filled" />
            <TimeZone value={draft.timeZone} onChange={(timeZone) => set({ timeZone })} error={fields['time_zone']} />
            <SpokenLanguage value={draft.language} onChange={(language) => set({ language })} error={fields['language']} />
            <TextInput label={t('settings.mailSender')} description={t('settings.mailSenderHint')} value={draft.mailSender}
              error={fields['mail_sender']} onChange={(event) => set({ mailSender: event.currentTarget.value })} />
          </SimpleGrid>
          {base.blocked !== undefined && (
            <Switch mt="md" label={t('settings.blocked')} description={t('settings.blockedHint')} checked={draft.blocked}
              disabled={!isSystem} onChange={(event) => set({ blocked: event.currentTarget.checked })} />
          )}
        </Fieldset>
        <Fieldset legend={t('settings.retention')}>
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <KeepField label={t('settings.keepCalls')} hint={t('settings.keepCallsHint')} value={draft.keepCalls}
              error={fields['keep_calls_s']} onChange={(keepCalls) => set({ keepCalls })} />
            <KeepField label={t('settings.keepJournals')} hint={t('settings.keepJournalsHint')} value={draft.keepJournals}
              error={fields['keep_journals_s']} onChange={(keepJournals) => set({ keepJournals })} />
          </SimpleGrid>
        </Fieldset>
        <LimitFields values={draft.limits} disabled={!isSystem} errors={fields}
          onChange={(name, value) => setDraft((now) => ({ ...now, limits: { ...now.limits, [name]: value } }))} />
        <Group>
          <Button type="submit" disabled={!dirty} loading={saving.isPending}>{t('common.save')}</Button>
          {dirty && <Button variant="default" onClick={() => setDraft(draftOf(base))}>{t('common.revert')}</Button>}
        </Group>
      </Stack>
    </form>
  );
}
