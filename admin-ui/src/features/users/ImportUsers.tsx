import { Alert, Button, FileInput, Group, Progress, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure } from '../../components/Failure';
import { csv } from '../../lib/csv';
import { download } from '../../lib/download';
import { upload } from '../../lib/upload';
import { template } from './exportUsers';

type Outcome = Schemas['ImportOutcome'];
type Props = { domain: string; onClose: () => void };

/** Makes users of a CSV file. A dry run comes first: nothing is made while a line is wrong. */
export function ImportUsers({ domain, onClose }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState(0);
  const send = async (body: File, dry: boolean) => {
    const url = `/api/v1/domains/${encodeURIComponent(domain)}/users/import${dry ? '?dry_run=true' : ''}`;
    return (await upload({ method: 'POST', url, body, type: 'text/csv', onProgress: setShare })) as Outcome;
  };
  const trial = useMutation({ mutationFn: (body: File) => send(body, true) });
  const make = useMutation({
    mutationFn: (body: File) => send(body, false),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users', domain] }),
  });
  const choose = (chosen: File | null) => {
    setFile(chosen);
    trial.reset();
    make.reset();
    if (chosen) trial.mutate(chosen);
  };
  const ready = trial.data && trial.data.problems.length === 0 && trial.data.created > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (file && ready) make.mutate(file);
  };
  const made = make.data && make.data.problems.length === 0 ? make.data : null;
  const found = make.data && !made ? make.data : trial.data;
  return (
    <Dialog opened onClose={onClose} title={t('users.import')} size="lg">
      {made ? <Made domain={domain} outcome={made} onClose={onClose} /> : (
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">{t('users.importText')}</Text>
            <Group>
              <Button size="compact-sm" variant="default" onClick={() => download('users.csv', template(), 'text/csv')}>{t('users.template')}</Button>
            </Group>
            <FileInput label={t('users.file')} accept=".csv,text/csv" value={file} onChange={choose} placeholder={t('common.chooseFile')} required
              clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data-autofocus />
            <Failure error={trial.error ?? make.error} />
            {(trial.isPending || make.isPending) && <Progress value={share * 100} animated aria-label={t('users.progress')} />}
            {found && <Found outcome={found} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
              <Button type="submit" disabled={!ready} loading={make.isPending}>{t('users.importDo', { count: trial.data?.created ?? 0 })}</Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}

/** Most problems that are listed: who has more, mends these first. */
const LISTED = 100;

/** What the dry run says of the file. */
function Found({ outcome: { created, problems } }: { outcome: Outcome }) {
  const { t } = useTranslation();
  if (problems.length === 0) {
    return <Alert color={created > 0 ? 'teal' : 'yellow'} role="status">{t('users.importReady', { count: created })}</Alert>;
  }
  return (
    <>
      <Alert color="red" role="alert">{t('users.importProblems', { count: problems.length })}</Alert>
      <Table.ScrollContainer minWidth={360} mah={300}>
        <Table aria-label={t('users.importProblems', { count: problems.length })} stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col" w={80}>{t('users.line')}</Table.Th>
              <Table.Th scope="col" w={140}>{t('users.column')}</Table.Th>
              <Table.Th scope="col">{t('users.problem')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {problems.slice(0, LISTED).map(({ line, field, detail }, index) => (
              <Table.Tr key={index}><Table.Td>{line}</Table.Td><Table.Td>{field ?? ''}</Table.Td><Table.Td>{detail}</Table.Td></Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {problems.length > LISTED && <Text size="sm" c="dimmed">{t('users.furtherProblems', { count: problems.length - LISTED })}</Text>}
    </>
  );
}

/** How many were made, and their passwords, which the server tells only now. */
function Made({ domain, outcome, onClose }: { domain: string; outcome: Outcome; onClose: () => void }) {
  const { t } = useTranslation();
  const rows = outcome.users.map(({ name, password }) => [name, domain, password]);
  return (
    <Stack>
      <Alert color="teal" role="status">{t('users.imported', { count: outcome.created })}</Alert>
      {rows.length > 0 && (
        <>
          <Text size="sm">{t('users.importedHint')}</Text>
          <Button onClick={() => download(`passwords-${domain}.csv`, csv([['name', 'domain', 'password'], ...rows]), 'text/csv')}>
            {t('users.passwords')}
          </Button>
        </>
      )}
      <Button variant="default" onClick={onClose}>{t('common.close')}</Button>
    </Stack>
  );
}
