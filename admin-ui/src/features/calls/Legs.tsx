import { Table, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { WideTable } from '../../components/WideTable';
import { useFormat } from '../../lib/useFormat';
import { causeWords, length } from './callWords';

const COLUMNS = ['who', 'address', 'talked', 'ended', 'codec', 'packets', 'lost'] as const;

/** Each party's side of the call. */
export function Legs({ call }: { call: Schemas['Call'] }) {
  const { t } = useTranslation();
  return (
    <section>
      <Title order={2} size="h5" mb="xs">{t('call.legs')}</Title>
      <WideTable label={t('call.legs')} minWidth={720}>
        <Table.Thead>
          <Table.Tr>{COLUMNS.map((column) => <Table.Th key={column} scope="col">{t(`leg.${column}`)}</Table.Th>)}</Table.Tr>
        </Table.Thead>
        <Table.Tbody>{call.legs.map((leg) => <LegRow key={leg.index} leg={leg} />)}</Table.Tbody>
      </WideTable>
    </section>
  );
}

function LegRow({ leg }: { leg: Schemas['LegRecord'] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const expected = leg.rtp_received + leg.rtp_lost;
  return (
    <Table.Tr>
      <Table.Td>{t(`leg.${leg.role}`)}</Table.Td>
      <Table.Td>{leg.user && <b>{leg.user} </b>}<Text span size="sm" c="dimmed" className="call-decision">{leg.peer_uri}</Text></Table.Td>
      <Table.Td>{leg.answered_at ? length(leg.talk_ms) : '–'}</Table.Td>
      <Table.Td>{causeWords(leg.cause, t)}{leg.sip_status !== null && ` (${leg.sip_status})`}</Table.Td>
      <Table.Td>{leg.codec ?? '–'}</Table.Td>
      <Table.Td>{format.number(leg.rtp_sent)} / {format.number(leg.rtp_received)}</Table.Td>
      <Table.Td>{expected > 0 ? format.percent(leg.rtp_lost / expected) : '–'}</Table.Td>
    </Table.Tr>
  );
}
