import { Alert, Button, FileInput, List, Progress, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { Problem } from '../../api/problem';
import { Dialog } from '../../components/Dialog';
import { Failure } from '../../components/Failure';
import { upload } from '../../lib/upload';
import { useFormat } from '../../lib/useFormat';

/** Sends a component as a new version of a scenario; `name` empty: of one that is named here. */
export function UploadVersion({ domain, name: known, onClose }: { domain: string; name: string; onClose: () => void }) {
  const { t } = useTranslation();
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
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (file) send.mutate(file);
  };
  return (
    <Dialog opened onClose={onClose} title={known ? t('scenarios.newVersionOf', { name: known }) : t('scenarios.upload')} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <Refusal error={send.error} />
          {!known && (
            <TextInput label={t('scenarios.name')} description={t('scenarios.nameHint')} value={name} required data-autofocus maxLength={128}
              pattern="[A-Za-z0-9_.\-]+" onChange={(event) => setName(event.currentTarget.value)} />
          )}
          <FileInput label={t('scenarios.file')} description={t('scenarios.fileHint')} accept=".wasm,application/wasm" required clearable
            value={file} placeholder={t('scenarios.choose')} clearButtonProps={{ 'aria-label': t('common.delete') }}
            onChange={(chosen) => {
              setFile(chosen);
              send.reset();
            }} />
          <TextInput label={t('scenarios.note')} description={t('scenarios.noteHint')} value={note} maxLength={1024}
            onChange={(event) => setNote(event.currentTarget.value)} />
          {send.isPending && file && <Sent share={share} bytes={file.size} />}
          <Button type="submit" loading={send.isPending} disabled={!file}>{t('scenarios.send')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}

/** How much has gone; when all has, the server still looks at it and compiles it. */
function Sent({ share, bytes }: { share: number; bytes: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const percent = Math.floor(share * 100);
  const words = share >= 1 ? t('scenarios.compiling') : t('scenarios.sending', { percent, size: format.bytes(bytes) });
  return (
    <div>
      <Progress value={percent} animated={share >= 1} aria-label={words} />
      <Text size="xs" c="dimmed" mt={4} role="status">{words}</Text>
    </div>
  );
}

/** Why a component was refused: everything at once. */
function Refusal({ error }: { error: Error | null }) {
  if (!(error instanceof Problem) || error.problems.length === 0) return <Failure error={error} />;
  return (
    <Alert color="red" role="alert" title={error.detail}>
      <List size="sm" spacing={4}>
        {error.problems.map(({ code, detail }, index) => (
          <List.Item key={index}>{detail} <Text span size="xs" c="dimmed" ff="monospace">{code}</Text></List.Item>
        ))}
      </List>
    </Alert>
  );
}
