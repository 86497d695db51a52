import { Alert, Button, FileInput, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure } from '../../components/Failure';
import { LeaveGuard } from '../../components/LeaveGuard';
import { Sending } from '../../components/Sending';
import { csv } from '../../lib/csv';
import { download } from '../../lib/download';
import { inPlace } from '../../lib/inPlace';
import { useFormat } from '../../lib/useFormat';
import { template } from './exportUsers';
import { FILE_BYTES_MAX, problemsOf, sendUsers } from './importing';
import { LineProblems } from './LineProblems';

type Props = { domain: string; onClose: () => void };

/** Makes users of a CSV file. The server tries it first: nothing is made while a line is wrong. */
export function ImportUsers({ domain, onClose }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState(0);
  const send = (chosen: File, dryRun: boolean) => {
    setShare(0);
    return sendUsers({ domain, file: chosen, dryRun, onProgress: setShare });
  };
  const trial = useMutation({ mutationFn: (chosen: File) => send(chosen, true) });
  const make = useMutation({
    mutationFn: (chosen: File) => send(chosen, false),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users', domain] }),
  });
  const tooLong = file !== null && file.size > FILE_BYTES_MAX;
  const choose = (chosen: File | null) => {
    setFile(chosen);
    trial.reset();
    make.reset();
    if (chosen && chosen.size <= FILE_BYTES_MAX) trial.mutate(chosen);
  };
  const close = () => !make.isPending && onClose();
  const problems = trial.data?.problems ?? [];
  const refused = problemsOf(make.error);
  const count = problems.length === 0 && refused.length === 0 ? trial.data?.created ?? 0 : 0;
  return (
    <Dialog opened onClose={close} title={t('users.import')} size="lg" withCloseButton={!make.isPending}>
      <LeaveGuard dirty={make.isPending} />
      {make.data ? <Outcome domain={domain} users={make.data.users} onClose={onClose} /> : (
        <form onSubmit={inPlace(() => file && make.mutate(file))}>
          <Stack>
            <Text size="sm">{t('users.importText')}</Text>
            <FileInput label={t('users.file')} description={t('users.fileHint')} accept=".csv,text/csv" value={file} onChange={choose}
              placeholder={t('common.chooseFile')} required clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data-autofocus
              disabled={make.isPending}
              error={tooLong ? t('prompts.tooLong', { size: format.bytes(file.size), most: format.bytes(FILE_BYTES_MAX) }) : undefined} />
            <Failure error={trial.error} />
            {refused.length === 0 && <Failure error={make.error} />}
            {(trial.isPending || make.isPending) && (
              <Sending share={share} label={t('users.progress')}
                words={share < 1 ? format.percent(share) : t(make.isPending ? 'users.importMaking' : 'users.importTrying')} />
            )}
            {problems.length > 0 && <LineProblems problems={problems} untold={trial.data?.problems_untold} hint={t('users.correct')} />}
            {refused.length > 0 && <LineProblems problems={refused} hint={t('users.correct')} />}
            {trial.data && problems.length === 0 && refused.length === 0 && !make.isPending && (
              <Alert color={count > 0 ? 'teal' : 'yellow'} role="status">{t('users.importReady', { count })}</Alert>
            )}
            <Group justify="space-between">
              <Button variant="default" onClick={() => download('users.csv', template(), 'text/csv')}>{t('users.template')}</Button>
              <Group gap="xs">
                <Button variant="default" onClick={close} disabled={make.isPending}>{t('common.cancel')}</Button>
                <Button type="submit" disabled={count === 0} loading={make.isPending || trial.isPending}>{t('users.importDo', { count })}</Button>
              </Group>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}

/** How many were made, and their passwords, which the server tells only now. */
function Outcome({ domain, users, onClose }: { domain: string; users: Schemas['UserMade'][]; onClose: () => void }) {
  const { t } = useTranslation();
  const [saved, setSaved] = useState(false);
  const save = () => {
    const rows = users.map(({ name, password }) => [name, domain, password]);
    download(`passwords-${domain}.csv`, csv([['name', 'domain', 'password'], ...rows]), 'text/csv');
    setSaved(true);
  };
  return (
    <Stack>
      <LeaveGuard dirty={!saved} />
      <Alert color="teal" role="status">{t('users.imported', { count: users.length })}</Alert>
      <Text size="sm">{t('users.importedHint')}</Text>
      <Button onClick={save} data-autofocus>{t('users.passwords')}</Button>
      <Button variant="default" onClick={onClose}>{t('common.close')}</Button>
    </Stack>
  );
}
