import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import type { Difference } from '../../components/Conflict';
import { LeaveGuard } from '../../components/LeaveGuard';
import { SaveProblem } from '../../components/SaveProblem';
import { inPlace } from '../../lib/inPlace';
import { useFocusWrong } from '../../lib/useFocusWrong';
import { type Read, useSaving } from '../../lib/useSaving';
import { readDomain } from '../domains/queries';
import { useMayEdit } from '../session/useMayEdit';
import { check, type Problems } from './check';
import { type Form, formOf, usual, writtenOf } from './document';
import { readSchedule } from './read';
import { Exceptions, Holidays } from './SpecialDays';
import { WeekFields } from './WeekFields';

type Written = Schemas['Schedule'] | null;
type Props = { domain: string; name: string; first: Read<Written>; onSaved: () => void };

const startOf = (written: Written): Form => (written ? formOf(written) : usual());
const text = (form: Form) => JSON.stringify(writtenOf(form));

export function ScheduleForm({ domain, name, first, onSaved }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayEdit = useMayEdit();
  const [form, setForm] = useState(() => startOf(first.data));
  const [base, setBase] = useState(() => text(form));
  const [problems, setProblems] = useState<Problems>({});
  const here = useRef<HTMLFormElement>(null);
  useFocusWrong(here, Object.keys(problems).length > 0 && problems);
  const isNew = first.data === null;
  const edited = text(form) !== base;
  const set = (part: Partial<Form>) => {
    setForm((now) => ({ ...now, ...part }));
    setProblems({});
  };
  const saving = useSaving<Written>({
    first,
    read: () => readSchedule(domain, name),
    save: (etag) => {
      const header = etag ? { 'If-Match': etag } : { 'If-None-Match': '*' };
      return taken(api.PUT('/domains/{domain}/schedules/{name}', { params: { path: { domain, name }, header }, body: writtenOf(form) }));
    },
    onSaved: () => {
      void queries.invalidateQueries({ queryKey: ['schedules', domain] });
      notifications.show({ message: t('common.saved') });
      onSaved();
    },
    onTheirs: (theirs) => {
      setForm(startOf(theirs));
      setBase(text(startOf(theirs)));
    },
  });
  const submit = () => {
    const found = check(form);
    setProblems(found);
    if (Object.keys(found).length === 0) saving.submit();
  };
  const common = { problems, disabled: !mayEdit };
  return (
    <form ref={here} onSubmit={inPlace(submit)} noValidate>
      <LeaveGuard dirty={mayEdit && edited && !saving.isPending} />
      <Stack>
        <Zone domain={domain} />
        {isNew && <Alert color="blue">{t('schedules.isNew')}</Alert>}
        <SaveProblem saving={saving} shown={[]} differences={() => differences(form, saving.conflict?.data ?? null, t)} />
        {Object.keys(problems).length > 0 && <Alert color="red" role="alert">{t('schedules.problems', { count: Object.keys(problems).length })}</Alert>}
        <WeekFields week={form.week} onChange={(week) => set({ week })} {...common} />
        <Holidays rows={form.holidays} onChange={(holidays) => set({ holidays })} {...common} />
        <Exceptions rows={form.exceptions} onChange={(exceptions) => set({ exceptions })} {...common} />
        {mayEdit && <Group><Button type="submit" disabled={!isNew && !edited} loading={saving.isPending}>{t('common.save')}</Button></Group>}
      </Stack>
    </form>
  );
}

/** In which time zone the hours are. */
function Zone({ domain }: { domain: string }) {
  const { t } = useTranslation();
  const zone = useQuery({ queryKey: ['domain-zone', domain], queryFn: async () => (await readDomain(domain)).data.time_zone, retry: false });
  return <Text size="sm" c="dimmed">{zone.data ? t('schedules.zone', { zone: zone.data }) : t('schedules.zoneOfDomain')}</Text>;
}

function differences(form: Form, theirs: Written, t: (key: string) => string): Difference[] {
  const [mine, other] = [writtenOf(form), writtenOf(startOf(theirs))];
  return (['week', 'holidays', 'exceptions'] as const).flatMap((part) => {
    const keys = [...new Set([...Object.keys(mine[part]), ...Object.keys(other[part])])];
    return keys.map((key) => ({
      label: `${t(`schedules.${part}`)} ${key}`, mine: String(mine[part][key] ?? ''), theirs: String(other[part][key] ?? ''),
    }));
  });
}
