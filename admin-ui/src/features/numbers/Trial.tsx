import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Failure } from '../../components/Failure';
import { When } from '../../components/When';
import type { Read } from '../../lib/useSaving';
import { useMayEdit } from '../session/useMayEdit';
import { keysOf } from './EditNumber';
import { TrialForm } from './TrialForm';

type Props = { domain: string; read: Read<Schemas['NumberWithSettings']> };
type Order = 'promote' | 'rollback' | 'end';

/** The versions of a number: the active one, the one that is tried with a share of the calls, the one before. */
export function Trial({ domain, read: { data, etag } }: Props) {
  const { t } = useTranslation();
  const mayEdit = useMayEdit();
  const queries = useQueryClient();
  const [beginning, setBeginning] = useState(false);
  const path = { domain, number: data.number };
  const order = useMutation({
    mutationFn: (what: Order): Promise<unknown> => {
      if (what === 'end') return taken(api.DELETE('/domains/{domain}/numbers/{number}/canary', { params: { path, header: { 'If-Match': etag } } }));
      return taken(api.POST(`/domains/{domain}/numbers/{number}/${what}`, { params: { path } }));
    },
    onSuccess: (_, what) => notifications.show({ message: t(`trial.done.${what}`) }),
    onSettled: () => Promise.all(keysOf(domain, data.number).map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
  const { canary, previous } = data;
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="sm">{t('trial.title')}</Title>
      <Stack gap="sm">
        <Failure error={order.error} />
        <Version label={t('trial.active')} hash={data.version} />
        {previous && <Version label={t('trial.previous')} hash={previous} />}
        {canary && (
          <div>
            <Version label={t('trial.canary')} hash={canary.version} />
            {canary.began_at && <Text size="xs" c="dimmed">{t('trial.since')} <When at={canary.began_at} /></Text>}
          </div>
        )}
        {mayEdit && (canary || beginning) && (
          <TrialForm key={canary?.version ?? ''} domain={domain} number={data} etag={etag} onClose={() => setBeginning(false)} />
        )}
        {mayEdit && !beginning && (
          <Group gap="xs">
            {!canary && <Button variant="default" size="xs" onClick={() => setBeginning(true)}>{t('trial.begin')}</Button>}
            {canary && <Button size="xs" loading={order.isPending} onClick={() => order.mutate('promote')}>{t('trial.promote')}</Button>}
            {canary && <Button variant="default" size="xs" loading={order.isPending} onClick={() => order.mutate('end')}>{t('trial.end')}</Button>}
            {previous && !canary && (
              <Button variant="default" size="xs" loading={order.isPending} onClick={() => order.mutate('rollback')}>
                {t('trial.rollback', { version: previous.slice(0, 8) })}
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

function Version({ label, hash }: { label: string; hash: string }) {
  return <Text size="sm">{label}: <Text span size="sm" ff="monospace" title={hash}>{hash.slice(0, 12)}</Text></Text>;
}
