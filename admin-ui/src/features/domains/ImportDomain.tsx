import { Button, FileInput, Group, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { Dialog } from '../../components/Dialog';
import { fieldsOf } from '../../components/Failure';
import { Refusal } from '../../components/Refusal';
import { Sending } from '../../components/Sending';
import { inPlace } from '../../lib/inPlace';
import { upload } from '../../lib/upload';
import { useFormat } from '../../lib/useFormat';

/** Makes a domain of the file of an export, and goes there. */
export function ImportDomain({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
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
  return (
    <Dialog opened onClose={onClose} title={t('domains.importTitle')} size="lg">
      <form onSubmit={inPlace(() => file && send.mutate(file))}>
        <Stack>
          <Text size="sm">{t('domains.importText')}</Text>
          <Refusal error={send.error} title={t('domains.importProblems')} shown={['name']} />
          <FileInput label={t('domains.importFile')} description={t('domains.importFileHint')} accept=".gz,.tgz,application/gzip" required
            clearable value={file} placeholder={t('common.chooseFile')} data-autofocus clearButtonProps={{ 'aria-label': t('common.clear') }}
            onChange={(chosen) => {
              setFile(chosen);
              send.reset();
            }} />
          <TextInput label={t('domains.importName')} description={t('domains.importNameHint')} value={name} maxLength={253}
            error={fieldsOf(send.error)['name']} onChange={(event) => setName(event.currentTarget.value)} />
          {send.isPending && file && (
            <Sending share={share} words={share < 1
              ? t('common.sending', { percent: Math.floor(share * 100), size: format.bytes(file.size) })
              : t('domains.importChecking')} />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" loading={send.isPending} disabled={!file}>{t('domains.importDo')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
