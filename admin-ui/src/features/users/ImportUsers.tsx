import { Alert, Button, FileInput, Group, Progress, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { Dialog } from '../../components/Dialog';
import { Failure } from '../../components/Failure';
import { LeaveGuard } from '../../components/LeaveGuard';
import { csv } from '../../lib/csv';
import { download } from '../../lib/download';
import { template } from './exportUsers';
import { type Made, makeUsers, tryFile } from './importing';
import { LineProblems } from './LineProblems';

type Props = { domain: string; onClose: () => void };

/** Makes users of a CSV file. It is tried first: nothing is made while a line is wrong. */
export function ImportUsers({ domain, onClose }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [done, setDone] = useState(0);
  const trial = useMutation({ mutationFn: (chosen: File) => tryFile(domain, chosen) });
  const users = trial.data?.problems.length === 0 ? trial.data.users : [];
  const make = useMutation({
    mutationFn: () => makeUsers(domain, users, setDone),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users', domain] }),
  });
  const choose = (chosen: File | null) => {
    setFile(chosen);
    trial.reset();
    if (chosen) trial.mutate(chosen);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  const close = () => !make.isPending && onClose();
  return (
    <Dialog opened onClose={close} title={t('users.import')} size="lg" withCloseButton={!make.isPending}>
      <LeaveGuard dirty={make.isPending} />
      {make.data ? <Outcome domain={domain} made={make.data} onClose={onClose} /> : (
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">{t('users.importText')}</Text>
            <FileInput label={t('users.file')} accept=".csv,text/csv" value={file} onChange={choose} placeholder={t('common.chooseFile')} required
              clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data-autofocus disabled={make.isPending} />
            <Failure error={trial.error} />
            {make.isPending && <Progress value={(100 * done) / users.length} aria-label={t('users.progress')} />}
            {trial.data && trial.data.problems.length > 0 && <LineProblems problems={trial.data.problems} hint={t('users.correct')} />}
            {trial.data && trial.data.problems.length === 0 && !make.isPending && (
              <Alert color={users.length > 0 ? 'teal' : 'yellow'} role="status">{t('users.importReady', { count: users.length })}</Alert>
            )}
            <Group justify="space-between">
              <Button variant="default" onClick={() => download('users.csv', template(), 'text/csv')}>{t('users.template')}</Button>
              <Group gap="xs">
                <Button variant="default" onClick={close} disabled={make.isPending}>{t('common.cancel')}</Button>
                <Button type="submit" disabled={users.length === 0} loading={make.isPending || trial.isPending}>
                  {t('users.importDo', { count: users.length })}
                </Button>
              </Group>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}

/** How many were made, their passwords, which the server tells only now, and who was refused. */
function Outcome({ domain, made, onClose }: { domain: string; made: Made; onClose: () => void }) {
  const { t } = useTranslation();
  const rows = made.passwords.map(({ name, password }) => [name, domain, password]);
  return (
    <Stack>
      <Alert color={made.problems.length === 0 ? 'teal' : 'yellow'} role="status">{t('users.imported', { count: rows.length })}</Alert>
      {made.problems.length > 0 && <LineProblems problems={made.problems} />}
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
