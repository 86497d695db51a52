import { Button, Paper, Text, Timeline, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { LoadError, Loading } from '../../components/Loading';
import { When } from '../../components/When';
import { usePages } from '../../lib/usePages';

/** What was done to a number, newest first. */
export function NumberHistory({ domain, number }: { domain: string; number: string }) {
  const { t } = useTranslation();
  const { query, items } = usePages(['number-history', domain, number], async (cursor) => {
    const params = { path: { domain, number }, query: { limit: 20, ...cursor } };
    return (await taken(api.GET('/domains/{domain}/numbers/{number}/history', { params }))).data;
  });
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="sm">{t('history.title')}</Title>
      {query.isPending && <Loading h={80} />}
      {query.isError && <LoadError error={query.error} onRetry={query.refetch} />}
      {query.isSuccess && items.length === 0 && <Text size="sm" c="dimmed">{t('history.empty')}</Text>}
      <Timeline bulletSize={12} lineWidth={2}>{items.map((entry) => <Entry key={entry.step} entry={entry} />)}</Timeline>
      {query.hasNextPage && (
        <Button variant="default" size="xs" mt="sm" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t('common.more')}</Button>
      )}
    </Paper>
  );
}

function Entry({ entry, ...timeline }: { entry: Schemas['HistoryEntry'] }) {
  const { t } = useTranslation();
  const what = t(`history.what.${entry.what}`, { version: entry.hash.slice(0, 8), defaultValue: entry.what });
  return (
    <Timeline.Item {...timeline} title={what} styles={{ itemTitle: { fontSize: 14 } }}>
      {entry.share_percent !== null && <Text size="sm">{t('history.share', { share: entry.share_percent })}</Text>}
      {entry.why && <Text size="sm">{entry.why}</Text>}
      <Text size="xs" c="dimmed"><When at={entry.at} /> · {t(`history.by.${entry.by}`, { defaultValue: entry.by })}</Text>
    </Timeline.Item>
  );
}
