import './calls.css';

import { Anchor, Badge, Button, Group, Stack, Switch, Table, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams, useSearchParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { usePages } from '../../lib/usePages';
import { ActiveCalls } from './ActiveCalls';
import { exportOf, filterOf } from './callFilter';
import { CallFilters } from './CallFilters';
import { length, resultOf } from './callWords';

/** Pages that are asked for again when a call has ended; who has read on further is left in peace. */
const LIVE_PAGES = 2;
const COLUMNS = ['started', 'from', 'to', 'scenario', 'result', 'duration'] as const;

/** The domain's calls: those that go on, and those that are over, newest first. */
export function CallList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const [search] = useSearchParams();
  const [live, setLive] = useState(true);
  const filter = filterOf(search);
  const narrowed = Object.keys(filter).length > 0;
  const { query, items } = usePages(['calls', domain, filter], async (cursor) => {
    const params = { path: { domain }, query: { ...filter, limit: 50, ...cursor } };
    return (await taken(api.GET('/domains/{domain}/calls', { params }))).data;
  });
  const follows = live && (query.data?.pages.length ?? 0) <= LIVE_PAGES;
  return (
    <Stack>
      <PageHeader title={t('calls.title')}>
        <Switch label={t('calls.live')} checked={live} onChange={(event) => setLive(event.currentTarget.checked)} />
        <Button component="a" href={exportOf(domain, filter)} download="calls.csv" variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}>{t('calls.export')}</Button>
      </PageHeader>
      <ActiveCalls domain={domain} live={follows} />
      <CallFilters domain={domain} />
      <Listing label={t('calls.title')} columns={COLUMNS.map((column) => t(`calls.${column}`))} query={query} items={items}
        empty={t(narrowed ? 'calls.noneFound' : 'calls.empty')} row={(call) => <CallRow key={call.id} call={call} />} />
    </Stack>
  );
}

/** Day and time to the second on one line; the year only where it is another. */
function Began({ at }: { at: string }) {
  const { i18n } = useTranslation();
  const date = new Date(at);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' as const };
  const words = new Intl.DateTimeFormat(i18n.language, { ...year, day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });
  return <time dateTime={at} className="call-number">{words.format(date)}</time>;
}

function CallRow({ call }: { call: Schemas['CallSummary'] }) {
  const { t } = useTranslation();
  const { words, colour } = resultOf(call, t);
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={encodeURIComponent(call.id)} size="sm"><Began at={call.started_at} /></Anchor>
      </Table.Td>
      <Table.Td>{call.from_number || '–'}</Table.Td>
      <Table.Td>{call.to_number}</Table.Td>
      <Table.Td>{call.scenario ?? <Text span size="sm" c="dimmed">{t('calls.direct')}</Text>}</Table.Td>
      <Table.Td><Group gap={6} wrap="nowrap"><Badge color={colour} variant="dot">{words}</Badge></Group></Table.Td>
      <Table.Td>{length(call.duration_ms)}</Table.Td>
    </Table.Tr>
  );
}
