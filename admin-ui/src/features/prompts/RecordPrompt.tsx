import { Alert, Button, Group, Loader, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { LoadError } from '../../components/Loading';
import { inPlace } from '../../lib/inPlace';
import { UserSelect } from '../users/UserSelect';
import { promptUrl, UNLESS_THERE } from './prompts';
import { isOver, spokenLanguage } from './recording';

/** How often the server is asked how far the call is. */
const EVERY_MS = 1_000;

type Props = { domain: string; /** Of the one to replace; '': a new one. */ name: string; present: Schemas['Prompt'][]; onKept: () => void; onClose: () => void };

/** Rings a user who records a prompt, and follows what becomes of it. */
export function RecordPrompt({ domain, name: replaced, present, onKept, onClose }: Props) {
  const { t, i18n } = useTranslation();
  const [name, setName] = useState(replaced);
  const [user, setUser] = useState<string | null>(null);
  const [asked, setAsked] = useState('');
  const overwrites = !replaced && present.some((prompt) => prompt.name === name.trim());
  const ring = useMutation({
    mutationFn: (wanted: { name: string; user: string }) => {
      const params = { path: { domain, name: wanted.name }, header: replaced || overwrites ? {} : UNLESS_THERE };
      const body = { user: wanted.user, language: spokenLanguage(i18n.language) };
      return taken(api.POST('/domains/{domain}/prompts/{name}/record', { params, body }));
    },
    onSuccess: (_, wanted) => setAsked(wanted.name),
  });
  const again = () => {
    ring.reset();
    setAsked('');
  };
  const fields = fieldsOf(ring.error);
  return (
    <Dialog opened onClose={onClose} title={replaced ? t('prompts.recordOf', { name: replaced }) : t('prompts.record')}>
      {asked ? <Progress domain={domain} name={asked} onKept={onKept} user={user ?? ''} onAgain={again} onClose={onClose} /> : (
        <form onSubmit={inPlace(() => user && ring.mutate({ name: name.trim(), user }))}>
          <Stack>
            <Failure error={ring.error} shown={['name', 'user']} />
            <Text size="sm" c="dimmed">{t('prompts.recordText')}</Text>
            {!replaced && (
              <TextInput label={t('prompts.name')} description={t('prompts.nameHint')} value={name} required data-autofocus error={fields['name']}
                onChange={(event) => setName(event.currentTarget.value)} />
            )}
            {overwrites && <Alert color="yellow">{t('prompts.overwrites', { name: name.trim() })}</Alert>}
            <UserSelect domain={domain} label={t('prompts.recordUser')} description={t('prompts.recordUserHint')} value={user} onChange={setUser}
              error={fields['user']} />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
              <Button type="submit" loading={ring.isPending} disabled={!user}>{t('prompts.call')}</Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}

type ProgressProps = { domain: string; name: string; user: string; onKept: () => void; onAgain: () => void; onClose: () => void };

function Progress({ domain, name, user, onKept, onAgain, onClose }: ProgressProps) {
  const { t } = useTranslation();
  const progress = useQuery({
    queryKey: ['recording', domain, name],
    queryFn: async () => {
      const params = { path: { domain, name } };
      return (await taken(api.GET('/domains/{domain}/prompts/{name}/record', { params }))).data;
    },
    // What is known of an earlier recording is not this one's.
    gcTime: 0, staleTime: 0,
    refetchInterval: (query) => (query.state.data && isOver(query.state.data.state) ? false : EVERY_MS),
  });
  const state = progress.data?.state ?? 'ringing';
  const kept = state === 'kept';
  useEffect(() => {
    if (kept) onKept();
    // The list is read again once.
  }, [kept]);
  if (progress.isError) return <LoadError error={progress.error} onRetry={progress.refetch} />;
  const over = isOver(state);
  const params = { name, user };
  return (
    <Stack>
      {over ? (
        <Alert color={kept ? 'green' : 'yellow'} role="status">
          {t(`prompts.recorded.${state}`, params)}
          {state === 'failed' && progress.data?.detail ? ` ${progress.data.detail}` : ''}
        </Alert>
      ) : (
        <Group wrap="nowrap" role="status">
          <Loader size="sm" aria-hidden />
          <Text size="sm">{t(`prompts.recorded.${state}`, params)}</Text>
        </Group>
      )}
      {kept && <audio className="player" controls src={promptUrl(domain, name)} aria-label={t('prompts.soundOf', { name })} />}
      <Group justify="flex-end">
        {over && !kept && <Button variant="default" onClick={onAgain}>{t('prompts.recordAgain')}</Button>}
        <Button variant={kept ? 'filled' : 'default'} onClick={onClose}>{t('common.close')}</Button>
      </Group>
    </Stack>
  );
}
