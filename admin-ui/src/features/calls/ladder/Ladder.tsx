import '../calls.css';

import { Alert, Text } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../../api/client';
import { LoadError, Loading } from '../../../components/Loading';
import { Arrows } from './Arrows';
import { LaneHeads } from './LaneHeads';
import { arrowsOf, lanesOf } from './layout';
import { MessageText } from './MessageText';

/** The SIP messages of a call, drawn between the addresses that spoke. */
export default function Ladder({ domain, id }: { domain: string; id: string }) {
  const { t } = useTranslation();
  const messages = useQuery({
    queryKey: ['call-messages', domain, id],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/calls/{id}/messages', { params: { path: { domain, id } } }))).data,
    staleTime: Infinity,
  });
  if (messages.isPending) return <Loading h={320} />;
  if (messages.isError) return <LoadError error={messages.error} onRetry={messages.refetch} />;
  const { items, left_out: left } = messages.data;
  if (items.length === 0) return <Text c="dimmed">{t('sip.none')}</Text>;
  return (
    <>
      {left > 0 && <Alert color="yellow" mb="sm">{t('sip.leftOut', { count: left })}</Alert>}
      <Drawing messages={items} />
    </>
  );
}

/** Room at the left for the times. */
export const MARGIN = 74;
/** Lanes are not closer: most statuses with their reasons fit between them, and three lanes on a tablet. */
const LANE_MIN = 160;

function Drawing({ messages }: { messages: Schemas['SipMessage'][] }) {
  const { ref, width: room } = useElementSize<HTMLDivElement>();
  const [chosen, setChosen] = useState(0);
  const lanes = useMemo(() => lanesOf(messages), [messages]);
  const arrows = useMemo(() => arrowsOf(messages, lanes), [messages, lanes]);
  const width = Math.max(room, MARGIN + lanes.length * LANE_MIN);
  const between = (width - MARGIN) / lanes.length;
  const x = lanes.map((_, index) => MARGIN + between * (index + 0.5));
  const message = messages[chosen] ?? messages[0];
  return (
    <div className="sip">
      <div className="sip-ladder" ref={ref}>
        <LaneHeads lanes={lanes} x={x} width={width} />
        <Arrows arrows={arrows} x={x} width={width} chosen={chosen} onChoose={setChosen} />
      </div>
      {message && <MessageText message={message} all={messages} />}
    </div>
  );
}
