import { Badge, Stack, Table } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { When } from '../../components/When';
import { usePages } from '../../lib/usePages';
import { length, resultOf } from '../calls/callWords';
import { useMe } from './useMe';

const EVERY_MS = 30_000;

/** One's own calls that are over, the newest first. */
export function MyCalls() {
  const { t } = useTranslation();
  const { domain } = useMe();
  const { query, items } = usePages(['my-calls', domain], async (cursor) => {
    const params = { path: { domain }, query: { limit: 50, ...cursor } };
    return (await taken(api.GET('/domains/{domain}/calls', { params }))).data;
  }, EVERY_MS);
  const columns = ['started', 'from', 'to', 'result', 'duration'] as const;
  return (
    <Stack>
      <PageHeader title={t('me.calls')} />
      <Listing label={t('me.calls')} query={query} items={items} empty={t('me.noCalls')}
        columns={columns.map((column) => t(`calls.${column}`))} row={(call) => <Row key={call.id} call={call} />} />
    </Stack>
  );
}

function Row({ call }: { call: Schemas['CallSummary'] }) {
  const { t } = useTranslation();
  const { words, colour } = resultOf(call, t);
  return (
    <Table.Tr>
      <Table.Td><When at={call.started_at} /></Table.Td>
      <Table.Td>{call.from_number || '–'}</Table.Td>
      <Table.Td>{call.to_number}</Table.Td>
      <Table.Td><Badge color={colour} variant="dot">{words}</Badge></Table.Td>
      <Table.Td>{length(call.duration_ms)}</Table.Td>
    </Table.Tr>
  );
}
