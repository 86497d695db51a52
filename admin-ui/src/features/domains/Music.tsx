import { Button, Fieldset, FileInput, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { Failure } from '../../components/Failure';
import { LoadError, Loading } from '../../components/Loading';
import { Sending } from '../../components/Sending';
import { When } from '../../components/When';
import { inPlace } from '../../lib/inPlace';
import { upload } from '../../lib/upload';
import { useFormat } from '../../lib/useFormat';
import { soundType } from '../prompts/prompts';
import { useMayEdit } from '../session/useMayEdit';
import { BYTES_MAX, MUSIC, musicUrl } from './music';

/** What those hear who are held: the domain's own music, or the server's melody. */
export function Music({ domain }: { domain: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayEdit = useMayEdit();
  const [deleting, setDeleting] = useState(false);
  const music = useQuery({
    // Beside the prompts, with which it becomes stale.
    queryKey: ['prompts', domain, MUSIC],
    queryFn: async () => {
      const prompts = (await taken(api.GET('/domains/{domain}/prompts', { params: { path: { domain } } }))).data.items;
      return prompts.find(({ name }) => name === MUSIC) ?? null;
    },
  });
  const changed = () => void queries.invalidateQueries({ queryKey: ['prompts', domain] });
  return (
    <Fieldset legend={t('music.title')}>
      <Stack>
        <Text size="sm">{t('music.text')}</Text>
        {music.isPending && <Loading h={54} />}
        {music.isError && <LoadError error={music.error} onRetry={music.refetch} />}
        {music.data === null && <Text size="sm" c="dimmed">{t('music.none')}</Text>}
        {music.data && <Present domain={domain} music={music.data} onDelete={mayEdit ? () => setDeleting(true) : undefined} />}
        {mayEdit && !music.isPending && <UploadMusic domain={domain} replaces={Boolean(music.data)} onDone={changed} />}
      </Stack>
      {deleting && (
        <ConfirmDelete what={t('music.title')} text={t('music.deleteHint')} onClose={() => setDeleting(false)} stale={[['prompts', domain]]}
          onDelete={() => taken(api.DELETE('/domains/{domain}/music', { params: { path: { domain } } }))} />
      )}
    </Fieldset>
  );
}

type PresentProps = { domain: string; music: Schemas['Prompt']; onDelete: (() => void) | undefined };

function Present({ domain, music, onDelete }: PresentProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const length = music.duration_ms === null ? '–' : format.duration(music.duration_ms / 1000);
  return (
    <Group justify="space-between">
      <Stack gap={4}>
        {/* Another file is another address, so that nobody hears the one before. */}
        <audio className="player" controls preload="none" src={`${musicUrl(domain)}?of=${encodeURIComponent(music.changed_at)}`} aria-label={t('music.title')} />
        <Text size="xs" c="dimmed">{length} · {format.bytes(music.bytes)} · <When at={music.changed_at} /></Text>
      </Stack>
      {onDelete && <Button variant="default" onClick={onDelete}>{t('common.delete')}</Button>}
    </Group>
  );
}

function UploadMusic({ domain, replaces, onDone }: { domain: string; replaces: boolean; onDone: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState(0);
  const send = useMutation({
    mutationFn: (body: File) => upload({ method: 'PUT', url: musicUrl(domain), body, type: soundType(body.name), onProgress: setShare }),
    onSuccess: () => {
      setFile(null);
      notifications.show({ message: t('music.saved') });
      onDone();
    },
  });
  const tooLong = file !== null && file.size > BYTES_MAX;
  const choose = (chosen: File | null) => {
    setFile(chosen);
    setShare(0);
    send.reset();
  };
  return (
    <form onSubmit={inPlace(() => file && !tooLong && send.mutate(file))}>
      <Stack gap="xs">
        <Failure error={send.error} />
        <Group align="flex-end">
          <FileInput flex={1} miw={240} label={t('music.file')} description={t('music.fileHint')} accept=".wav,.mp3,audio/wav,audio/mpeg"
            value={file} placeholder={t('common.chooseFile')} onChange={choose} clearable disabled={send.isPending}
            clearButtonProps={{ 'aria-label': t('common.clear') }}
            error={tooLong ? t('prompts.tooLong', { size: format.bytes(file.size), most: format.bytes(BYTES_MAX) }) : undefined} />
          <Button type="submit" variant="default" loading={send.isPending} disabled={!file || tooLong}>
            {t(replaces ? 'prompts.replace' : 'prompts.upload')}
          </Button>
        </Group>
        {send.isPending && (
          <Sending share={share} label={t('prompts.progress')} words={share < 1 ? format.percent(share) : t('prompts.converting')} />
        )}
      </Stack>
    </form>
  );
}
