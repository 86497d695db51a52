import { Badge, Group, Paper, Table, Text, Title } from '@mantine/core';
import { useInterval } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { WideTable } from '../../components/WideTable';
import { length } from './callWords';
import { useActiveCalls } from './useActiveCalls';

/** Calls that are shown while they go on; the others are counted. */
const SHOWN = 20;
const COLUMNS = ['from', 'to', 'scenario', 'state', 'duration'] as const;

/** The calls that go on now, nothing where there are none. */
export function ActiveCalls({ domain, live }: { domain: string; live: boolean }) {
  const { t } = useTranslation();
  const { data: calls = [], isSuccess } = useActiveCalls(domain, live);
  const now = useNow(calls.length > 0);
  if (!live || !isSuccess) return null;
  return (
    <Paper withBorder p="sm" component="section" aria-label={t('calls.active')}>
      <Group gap="xs">
        <Title order={2} size="h5">{t('calls.active')}</Title>
        <Badge variant={calls.length > 0 ? 'filled' : 'default'} role="status">{calls.length}</Badge>
      </Group>
      {calls.length > 0 && (
        <WideTable label={t('calls.active')} minWidth={560}>
          <Table.Thead>
            <Table.Tr>{COLUMNS.map((column) => <Table.Th key={column} scope="col">{t(`calls.${column}`)}</Table.Th>)}</Table.Tr>
          </Table.Thead>
          <Table.Tbody>{calls.slice(0, SHOWN).map((call) => <Row key={call.id} call={call} now={now} />)}</Table.Tbody>
        </WideTable>
      )}
      {calls.length > SHOWN && <Text size="sm" c="dimmed">{t('calls.others', { count: calls.length - SHOWN })}</Text>}
    </Paper>
  );
}

function Row({ call, now }: { call: Schemas['ActiveCall']; now: number }) {
  const { t } = useTranslation();
  return (
    <Table.Tr>
      <Table.Td>{call.caller || '–'}</Table.Td>
      <Table.Td>{call.dialled}</Table.Td>
      <Table.Td>{call.scenario ?? <Text span size="sm" c="dimmed">{t('calls.direct')}</Text>}{call.node && ` · ${call.node}`}</Table.Td>
      <Table.Td>
        <Badge variant="dot" color={call.answered_at ? 'green' : 'yellow'}>{t(call.answered_at ? 'calls.talking' : 'calls.ringing')}</Badge>
      </Table.Td>
      <Table.Td>{length(Math.max(0, now - Date.parse(call.started_at)))}</Table.Td>
    </Table.Tr>
  );
}

/** The time, each second while `running`. */
function useNow(running: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  const { start, stop } = useInterval(() => setNow(Date.now()), 1000);
  useEffect(() => {
    if (!running) return undefined;
    setNow(Date.now());
    start();
    return stop;
  }, [running]);
  return now;
}
