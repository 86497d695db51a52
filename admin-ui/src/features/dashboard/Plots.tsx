import { Group, Paper, SegmentedControl, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { LoadError, Loading } from '../../components/Loading';
import { Plot } from '../../components/Plot';
import { useFormat } from '../../lib/useFormat';
import { type Figure, FIGURES, type Range, rangeOf, RANGES, spanOf } from './range';

const EVERY_MS = 60_000;

/** How a domain did over a time that one chooses; without a domain, the whole server. The choice stays in the address. */
export function Plots({ domain }: { domain?: string }) {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const range = rangeOf(search.get('range'));
  const [from, to] = [search.get('from') ?? '', search.get('to') ?? ''];
  const choose = (changes: Record<string, string>) => {
    setSearch((before) => {
      for (const [key, value] of Object.entries(changes)) before.set(key, value);
      return before;
    }, { replace: true });
  };
  const chosen = range !== 'custom' || spanOf(range, from, to, new Date()) !== null;
  const samples = useQuery({
    queryKey: ['samples', domain ?? null, range, from, to],
    queryFn: async () => {
      const query = spanOf(range, from, to, new Date()) ?? {};
      return domain === undefined ? (await taken(api.GET('/samples', { params: { query } }))).data
        : (await taken(api.GET('/domains/{domain}/samples', { params: { path: { domain }, query } }))).data;
    },
    enabled: chosen, refetchInterval: EVERY_MS, placeholderData: keepPreviousData,
  });
  return (
    <Stack component="section" gap="sm">
      <Group justify="space-between" align="flex-end">
        <Title order={2} size="h4">{t('plots.title')}</Title>
        <Group align="flex-end" gap="xs">
          {range === 'custom' && (
            <>
              <TextInput type="date" size="xs" label={t('audit.since')} value={from} onChange={(event) => choose({ from: event.currentTarget.value })} />
              <TextInput type="date" size="xs" label={t('audit.until')} value={to} onChange={(event) => choose({ to: event.currentTarget.value })} />
            </>
          )}
          <SegmentedControl size="xs" aria-label={t('plots.range')} value={range} onChange={(value) => choose({ range: value as Range })}
            data={RANGES.map((value) => ({ value, label: t(`plots.ranges.${value}`) }))} />
        </Group>
      </Group>
      {!chosen && <Text size="sm" c="dimmed">{t('plots.choose')}</Text>}
      {chosen && samples.isPending && <Loading h={320} />}
      {samples.isError && <LoadError error={samples.error} onRetry={samples.refetch} />}
      {chosen && samples.data && (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          {FIGURES.map((figure) => <FigurePlot key={figure.key} figure={figure} samples={samples.data} />)}
        </SimpleGrid>
      )}
      <Text size="xs" c="dimmed">{t('plots.hint')}</Text>
    </Stack>
  );
}

function FigurePlot({ figure, samples }: { figure: Figure; samples: Schemas['Samples'] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const title = t(`plots.${figure.key}`);
  const points = samples.items.map((point) => ({ label: format.moment(point.at), value: figure.value(point, samples.step_s) }));
  const words = { number: format.number, percent: format.percent, bytes: format.bytes }[figure.kind];
  return (
    <Paper withBorder p="md">
      <Title order={3} size="h5" mb="xs">{title}</Title>
      {points.some(({ value }) => value !== null && value > 0)
        ? <Plot title={title} points={points} format={words} /> : <Text size="sm" c="dimmed">{t('plots.none')}</Text>}
    </Paper>
  );
}
