import { Paper, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, taken } from '../../api/client';
import { Bars } from '../../components/Bars';
import { LoadError, Loading } from '../../components/Loading';
import { useFormat } from '../../lib/useFormat';
import { dayBefore, lastDays } from './days';

const DAYS = 30;
type Props = { domain: string; what: 'calls' | 'scenario-failures'; colour?: string };

/** How much of something there was on each of the last days. */
export function UsageByDay({ domain, what, colour }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = new Date();
  const since = dayBefore(now, DAYS - 1);
  const usage = useQuery({
    queryKey: ['usage', domain, since],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/usage', { params: { path: { domain }, query: { since } } }))).data.days,
    staleTime: 60_000,
  });
  const title = t(`dashboard.${what}`, { count: DAYS });
  const days = lastDays(usage.data ?? [], what, DAYS, now);
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h5" mb="xs">{title}</Title>
      {usage.isPending && <Loading h={150} />}
      {usage.isError && <LoadError error={usage.error} onRetry={usage.refetch} />}
      {usage.data && (days.some(({ value }) => value > 0)
        ? <Bars title={title} colour={colour} bars={days.map(({ day, value }) => ({ label: format.day(day), value }))} />
        : <Text size="sm" c="dimmed">{t(`dashboard.no-${what}`)}</Text>)}
    </Paper>
  );
}
