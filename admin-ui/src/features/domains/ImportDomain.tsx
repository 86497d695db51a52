import { Alert, Button, FileInput, Group, List, Progress, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { Problem } from '../../api/problem';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { upload } from '../../lib/upload';
import { useFormat } from '../../lib/useFormat';

/** Makes a domain of the file of an export, and goes there. */
export function ImportDomain({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState(0);
  const send = useMutation({
    mutationFn: async (body: File) => {
      setShare(0);
      const query = name.trim() ? `?name=${encodeURIComponent(name.trim())}` : '';
      const made = await upload({
        method: 'POST', url: `/api/v1/domains/import${query}`, body, type: 'application/gzip', onProgress: setShare,
      });
      return made as { name: string };
    },
    onSuccess: (domain) => {
      void queries.invalidateQueries({ queryKey: ['domains'] });
      notifications.show({ message: t('domains.imported', { name: domain.name }) });
      void navigate(`/domains/${encodeURIComponent(domain.name)}`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (file) send.mutate(file);
  };
  return (
    <Dialog opened onClose={onClose} title={t('domains.importTitle')} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{t('domains.importText')}</Text>
          <Refusal error={send.error} />
          <FileInput label={t('domains.importFile')} description={t('domains.importFileHint')} accept=".gz,.tgz,application/gzip" required
            clearable value={file} placeholder={t('common.chooseFile')} data-autofocus clearButtonProps={{ 'aria-label': t('common.clear') }}
            onChange={(chosen) => {
              setFile(chosen);
              send.reset();
            }} />
          <TextInput label={t('domains.importName')} description={t('domains.importNameHint')} value={name} maxLength={253}
            error={fieldsOf(send.error)['name']} onChange={(event) => setName(event.currentTarget.value)} />
          {send.isPending && file && <Sent share={share} bytes={file.size} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" loading={send.isPending} disabled={!file}>{t('domains.importDo')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

/** How much has gone; when all has, the server still looks at it and compiles its scenarios. */
function Sent({ share, bytes }: { share: number; bytes: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const percent = Math.floor(share * 100);
  const words = share >= 1 ? t('domains.importChecking') : t('domains.importSending', { percent, size: format.bytes(bytes) });
  return (
    <div>
      <Progress value={percent} animated={share >= 1} aria-label={words} />
      <Text size="xs" c="dimmed" mt={4} role="status">{words}</Text>
    </div>
  );
}

/** Why a file was refused: everything at once, each with the part of it that is wrong. */
function Refusal({ error }: { error: Error | null }) {
  const { t } = useTranslation();
  if (!(error instanceof Problem) || error.problems.length === 0) return <Failure error={error} shown={['name']} />;
  return (
    <Alert color="red" role="alert" title={t('domains.importProblems')}>
      <List size="sm" spacing={4} mah={280} style={{ overflowY: 'auto' }} tabIndex={0}>
        {error.problems.map(({ at, detail }, index) => (
          <List.Item key={index} style={{ overflowWrap: 'anywhere' }}>
            {at && <Text span size="xs" ff="monospace">{at}: </Text>}{detail}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
