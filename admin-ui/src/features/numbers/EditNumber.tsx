import { Button, Fieldset, Group, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { fieldsOf } from '../../components/Failure';
import { LeaveGuard } from '../../components/LeaveGuard';
import { SaveProblem } from '../../components/SaveProblem';
import { inPlace } from '../../lib/inPlace';
import { type Read, useSaving } from '../../lib/useSaving';
import { useMayEdit } from '../session/useMayEdit';
import { changeOf, draftOf, isSound, type NumberDraft } from './draft';
import { NumberFields, SHOWN } from './NumberFields';
import { readNumber } from './readNumber';

type Props = { domain: string; read: Read<Schemas['NumberWithSettings']> };

/** What the number does. The form keeps what it began with until it is saved: what is typed does not change below the hands. */
export function EditNumber({ domain, read }: Props) {
  const { t } = useTranslation();
  const mayEdit = useMayEdit();
  const queries = useQueryClient();
  const { number } = read.data;
  const [typed, setTyped] = useState<{ base: Props['read']; draft: NumberDraft } | null>(null);
  const base = typed?.base ?? read;
  const before = draftOf(base.data);
  const draft = typed?.draft ?? before;
  const change = changeOf(before, draft);
  const dirty = Object.keys(change).length > 0;
  const saving = useSaving({
    first: base,
    read: () => readNumber(domain, number),
    save: (etag) => {
      const params = { path: { domain, number }, header: { 'If-Match': etag } };
      return taken(api.PATCH('/domains/{domain}/numbers/{number}', { params, body: change }));
    },
    onSaved: async () => {
      await Promise.all(keysOf(domain, number).map((queryKey) => queries.invalidateQueries({ queryKey })));
      setTyped(null);
      notifications.show({ message: t('numbers.saved', { number }) });
    },
    onTheirs: () => void queries.invalidateQueries({ queryKey: ['number', domain, number] }).then(() => setTyped(null)),
  });
  const theirs = saving.conflict ? draftOf((saving.conflict as Props['read']).data) : draft;
  return (
    <form onSubmit={inPlace(() => dirty && isSound(draft) && saving.submit())}>
      <LeaveGuard dirty={dirty} />
      <Fieldset variant="unstyled" p={0} bd={0} disabled={!mayEdit}><Stack>
        <NumberFields domain={domain} draft={draft} fields={fieldsOf(saving.error)}
          onChange={(part) => setTyped({ base, draft: { ...draft, ...part } })} />
        <SaveProblem saving={saving} shown={SHOWN} differences={() => differences(draft, theirs, t)} />
        {mayEdit && (
          <Group justify="flex-end">
            {dirty && <Button variant="default" onClick={() => setTyped(null)}>{t('numbers.reset')}</Button>}
            <Button type="submit" loading={saving.isPending} disabled={!dirty || !isSound(draft)}>{t('common.save')}</Button>
          </Group>
        )}
      </Stack></Fieldset>
    </form>
  );
}

/** What a change of a number makes stale. */
export function keysOf(domain: string, number: string) {
  return [['number', domain, number], ['numbers', domain], ['number-history', domain, number], ['versions', domain]];
}

const LABELS = {
  title: 'name', scenario: 'scenario', version: 'version', settings: 'settings', fallback: 'fallback', status: 'cause.status',
  fallbackScenario: 'fallbackScenario', fallbackVersion: 'version', fallbackSettings: 'fallbackSettings',
} as const;

function differences(mine: NumberDraft, theirs: NumberDraft, t: (key: string) => string) {
  return Object.entries(LABELS).map(([key, label]) => ({
    label: t(`numbers.${label}`), mine: mine[key as keyof NumberDraft], theirs: theirs[key as keyof NumberDraft],
  }));
}
