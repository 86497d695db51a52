import { Anchor, Button, Stack, Table, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { Dialog } from '../../components/Dialog';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { RowActions } from '../../components/RowActions';
import { When } from '../../components/When';
import { inPlace } from '../../lib/inPlace';
import { useMayEdit } from '../session/useMayEdit';
import { readSchedule } from './read';

export function ScheduleList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const mayEdit = useMayEdit();
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState('');
  const schedules = useQuery({
    queryKey: ['schedules', domain],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/schedules', { params: { path: { domain } } }))).data.items,
  });
  const remove = async () => {
    const { etag } = await readSchedule(domain, deleting);
    const params = { path: { domain, name: deleting }, header: { 'If-Match': etag } };
    await taken(api.DELETE('/domains/{domain}/schedules/{name}', { params }));
  };
  return (
    <Stack>
      <PageHeader title={t('schedules.title')} text={t('schedules.text')}>
        {mayEdit && <Button onClick={() => setCreating(true)}>{t('schedules.new')}</Button>}
      </PageHeader>
      <Listing label={t('schedules.title')} query={schedules} items={schedules.data ?? []} empty={t('schedules.empty')}
        columns={[t('schedules.name'), t('common.changedAt'), ...(mayEdit ? [t('common.actions')] : [])]}
        row={(schedule) => (
          <Row key={schedule.name} domain={domain} schedule={schedule} mayEdit={mayEdit} onDelete={() => setDeleting(schedule.name)} />
        )} />
      {creating && <NewSchedule domain={domain} taken={schedules.data ?? []} onClose={() => setCreating(false)} />}
      {deleting && (
        <ConfirmDelete what={deleting} text={t('schedules.deleteHint')} onDelete={remove} stale={[['schedules', domain]]}
          onClose={() => setDeleting('')} />
      )}
    </Stack>
  );
}

type RowProps = { domain: string; schedule: Schemas['ScheduleEntry']; mayEdit: boolean; onDelete: () => void };

function Row({ domain, schedule, mayEdit, onDelete }: RowProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const path = `/domains/${encodeURIComponent(domain)}/schedules/${encodeURIComponent(schedule.name)}`;
  return (
    <Table.Tr>
      <Table.Td><Anchor inherit component={Link} to={path}>{schedule.name}</Anchor></Table.Td>
      <Table.Td><When at={schedule.changed_at} /></Table.Td>
      {mayEdit && (
        <Table.Td>
          <RowActions of={schedule.name} actions={[
            { label: t('common.edit'), onClick: () => void navigate(path) },
            { label: t('common.delete'), onClick: onDelete },
          ]} />
        </Table.Td>
      )}
    </Table.Tr>
  );
}

type NewProps = { domain: string; taken: Schemas['ScheduleEntry'][]; onClose: () => void };

/** Asks for the name; the hours are typed on the schedule's own page. */
function NewSchedule({ domain, taken: present, onClose }: NewProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [error, setError] = useState('');
  const submit = () => {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(name.trim())) setError(t('schedules.badName'));
    else if (present.some((schedule) => schedule.name === name.trim())) setError(t('schedules.exists'));
    else void navigate(`/domains/${encodeURIComponent(domain)}/schedules/${encodeURIComponent(name.trim())}`);
  };
  return (
    <Dialog opened onClose={onClose} title={t('schedules.new')}>
      <form onSubmit={inPlace(submit)}>
        <Stack>
          <TextInput label={t('schedules.name')} description={t('schedules.nameHint')} value={name} required data-autofocus error={error}
            onChange={(event) => { setName(event.currentTarget.value); setError(''); }} />
          <Button type="submit">{t('common.next')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}
