import { Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Bars } from '../../components/Bars';
import { LoadError, Loading } from '../../components/Loading';
import { useFormat } from '../../lib/useFormat';

const EVERY_MS = 10_000;

/** What goes on at present; asked for again every ten seconds while the page is seen. */
export function Now({ domain }: { domain: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const status = useQuery({
    queryKey: ['status', domain],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/status', { params: { path: { domain } } }))).data,
    refetchInterval: EVERY_MS,
  });
  if (status.isPending) return <Loading h={220} />;
  // What was there stays while the server does not answer; without anything there is only the reason.
  if (!status.data) return <LoadError error={status.error ?? new Error()} onRetry={status.refetch} />;
  const { data } = status;
  const perMinute = data.calls_per_minute ?? [];
  const sum = perMinute.reduce((all, calls) => all + calls, 0);
  return (
    <>
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Tile label={t('dashboard.active')} value={format.number(data.calls_active)} />
        {data.registrations !== null && <Tile label={t('dashboard.registrations')} value={format.number(data.registrations)} />}
        {data.calls_per_minute && <Tile label={t('dashboard.lastHour')} value={format.number(sum)} />}
        {data.answered_share !== undefined && (
          <Tile label={t('dashboard.answered')} value={data.answered_share === null ? '–' : format.percent(data.answered_share)} />
        )}
      </SimpleGrid>
      {perMinute.length > 0 && <Minutes values={perMinute} />}
      <Running status={data} failed={status.isError} />
    </>
  );
}

function Tile({ label, value }: { label: string; value: string }) {
  return (
    <Paper withBorder p="md" role="group" aria-label={label}>
      <Text size="sm" c="dimmed">{label}</Text>
      <Text fz={30} fw={600} lh={1.3}>{value}</Text>
    </Paper>
  );
}

function Minutes({ values }: { values: number[] }) {
  const { t } = useTranslation();
  const title = t('dashboard.perMinute');
  const bars = values.map((value, index) => {
    const ago = values.length - 1 - index;
    return { label: ago === 0 ? t('dashboard.now') : t('dashboard.minutesAgo', { count: ago }), value };
  });
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h5" mb="xs">{title}</Title>
      {values.some(Boolean) ? <Bars title={title} bars={bars} /> : <Text size="sm" c="dimmed">{t('dashboard.quiet')}</Text>}
    </Paper>
  );
}

function Running({ status, failed }: { status: Schemas['Status']; failed: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Stack gap={0}>
      {failed && <Text size="sm" c="red.9" role="alert">{t('dashboard.stale')}</Text>}
      <Text size="xs" c="dimmed">{t('dashboard.running', { version: status.version, since: format.moment(status.started_at) })}</Text>
    </Stack>
  );
}
