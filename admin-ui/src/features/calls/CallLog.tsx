import { Badge, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { LoadError, Loading } from '../../components/Loading';

/** Lines that are shown at most: what the server gives at once. */
const LAST = 1000;
const COLOURS = { debug: 'gray', info: 'blue', warn: 'yellow', error: 'red' } as const;

/** What the scenario wrote during the call. */
export function CallLog({ domain, id }: { domain: string; id: string }) {
  const { t, i18n } = useTranslation();
  const log = useQuery({
    queryKey: ['call-log', domain, id],
    queryFn: async () => {
      const params = { path: { domain }, query: { call: id, last: LAST } };
      const { data } = await taken(api.GET('/domains/{domain}/logs', { params }));
      return typeof data === 'string' ? [] : data.lines; // a text is a stream, which was not asked for
    },
  });
  if (log.isPending) return <Loading h={120} />;
  if (log.isError) return <LoadError error={log.error} onRetry={log.refetch} />;
  if (log.data.length === 0) return <Text c="dimmed">{t('call.noLog')}</Text>;
  const time = new Intl.DateTimeFormat(i18n.language, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' });
  return <Stack gap={6}>{log.data.map((line) => <Line key={line.line} line={line} time={time} />)}</Stack>;
}

function Line({ line, time }: { line: Schemas['LogLine']; time: Intl.DateTimeFormat }) {
  return (
    <div className="call-line">
      <time dateTime={line.at} className="call-number">{time.format(new Date(line.at))}</time>
      <Badge size="sm" variant="dot" color={COLOURS[line.level] ?? 'gray'}>{line.level}</Badge>
      <span className="call-text">{line.text}</span>
    </div>
  );
}
