import { Alert, Button, FileInput, Group, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { Sending } from '../../components/Sending';
import { inPlace } from '../../lib/inPlace';
import { upload } from '../../lib/upload';
import { useFormat } from '../../lib/useFormat';
import { BYTES_MAX, nameOf, promptUrl, soundType, UNLESS_THERE } from './prompts';

type Props = { domain: string; /** Of the one to replace; '': a new one. */ name: string; present: Schemas['Prompt'][]; onDone: () => void; onClose: () => void };

export function UploadPrompt({ domain, name: replaced, present, onDone, onClose }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const [name, setName] = useState(replaced);
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState(0);
  const overwrites = !replaced && present.some((prompt) => prompt.name === name.trim());
  const send = useMutation({
    mutationFn: (body: File) => upload({
      method: 'PUT', url: promptUrl(domain, name.trim()), body, type: soundType(body.name), onProgress: setShare,
      headers: replaced || overwrites ? {} : UNLESS_THERE,
    }),
    onSuccess: onDone,
  });
  const choose = (chosen: File | null) => {
    setFile(chosen);
    send.reset();
    if (chosen && !name) setName(nameOf(chosen.name));
  };
  const tooLong = file !== null && file.size > BYTES_MAX;
  const fields = fieldsOf(send.error);
  return (
    <Dialog opened onClose={onClose} title={replaced ? t('prompts.replaceOf', { name: replaced }) : t('prompts.upload')}>
      <form onSubmit={inPlace(() => file && !tooLong && send.mutate(file))}>
        <Stack>
          <Failure error={send.error} shown={['name']} />
          <FileInput label={t('prompts.file')} description={t('prompts.fileHint')} accept=".wav,.mp3,audio/wav,audio/x-wav,audio/mpeg" value={file} required
            placeholder={t('common.chooseFile')} onChange={choose} data-autofocus clearable
            clearButtonProps={{ 'aria-label': t('common.clear') }}
            error={tooLong ? t('prompts.tooLong', { size: format.bytes(file.size), most: format.bytes(BYTES_MAX) }) : undefined} />
          {!replaced && (
            <TextInput label={t('prompts.name')} description={t('prompts.nameHint')} value={name} required error={fields['name']}
              onChange={(event) => setName(event.currentTarget.value)} />
          )}
          {overwrites && <Alert color="yellow">{t('prompts.overwrites', { name: name.trim() })}</Alert>}
          {send.isPending && (
            <Sending share={share} label={t('prompts.progress')} words={share < 1 ? format.percent(share) : t('prompts.converting')} />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" loading={send.isPending} disabled={!file || tooLong}>{t('prompts.upload')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
