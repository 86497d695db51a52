import { Button, FileInput, Stack, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { Dialog } from '../../components/Dialog';
import { Refusal } from '../../components/Refusal';
import { Sending } from '../../components/Sending';
import { inPlace } from '../../lib/inPlace';
import { upload } from '../../lib/upload';
import { useFormat } from '../../lib/useFormat';

/** Sends a component as a new version of a scenario; `name` empty: of one that is named here. */
export function UploadVersion({ domain, name: known, onClose }: { domain: string; name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const [name, setName] = useState(known);
  const [note, setNote] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState(0);
  const send = useMutation({
    mutationFn: (body: File) => {
      setShare(0);
      const path = `/api/v1/domains/${encodeURIComponent(domain)}/scenarios/${encodeURIComponent(name.trim())}/versions`;
      const query = note.trim() ? `?note=${encodeURIComponent(note.trim())}` : '';
      return upload({ method: 'POST', url: path + query, body, type: 'application/wasm', onProgress: setShare });
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['scenarios', domain] });
      void queries.invalidateQueries({ queryKey: ['versions', domain, name.trim()] });
      notifications.show({ message: t('scenarios.uploadedAs', { name: name.trim() }) });
      onClose();
    },
  });
  return (
    <Dialog opened onClose={onClose} title={known ? t('scenarios.newVersionOf', { name: known }) : t('scenarios.upload')} size="lg">
      <form onSubmit={inPlace(() => file && send.mutate(file))}>
        <Stack>
          <Refusal error={send.error} />
          {!known && (
            <TextInput label={t('scenarios.name')} description={t('scenarios.nameHint')} value={name} required data-autofocus maxLength={128}
              pattern="[A-Za-z0-9_.\-]+" onChange={(event) => setName(event.currentTarget.value)} />
          )}
          <FileInput label={t('scenarios.file')} description={t('scenarios.fileHint')} accept=".wasm,application/wasm" required clearable
            value={file} placeholder={t('common.chooseFile')} clearButtonProps={{ 'aria-label': t('common.clear') }}
            onChange={(chosen) => {
              setFile(chosen);
              send.reset();
            }} />
          <TextInput label={t('scenarios.note')} description={t('scenarios.noteHint')} value={note} maxLength={1024}
            onChange={(event) => setNote(event.currentTarget.value)} />
          {send.isPending && file && (
            <Sending share={share} words={share < 1
              ? t('common.sending', { percent: Math.floor(share * 100), size: format.bytes(file.size) })
              : t('scenarios.compiling')} />
          )}
          <Button type="submit" loading={send.isPending} disabled={!file}>{t('scenarios.send')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}
