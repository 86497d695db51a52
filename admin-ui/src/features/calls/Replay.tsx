import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Copied } from '../../components/Copied';
import { Failure } from '../../components/Failure';
import { useMayEdit } from '../session/useMayEdit';
import { type Report, replayWords } from './replayWords';

/** Has the call's scenario run again on the recorded answers, and tells whether it goes the same way. */
export function Replay({ domain, call: { id, journal } }: { domain: string; call: Schemas['Call'] }) {
  const { t } = useTranslation();
  const mayEdit = useMayEdit();
  const replay = useMutation({
    mutationFn: async () => {
      const params = { path: { domain, id } };
      return (await taken(api.POST('/domains/{domain}/calls/{id}/replay', { params }))).data as Report;
    },
  });
  if (!mayEdit || journal !== 'stored') return null;
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Button variant="default" loading={replay.isPending} onClick={() => replay.mutate()}>{t('call.replay.start')}</Button>
        <Text size="sm" c="dimmed" role="status">{t(replay.isPending ? 'call.replay.running' : 'call.replay.hint')}</Text>
      </Group>
      <Copied label={t('call.replay.command')} value={`tandem call replay ${id} --domain ${domain}`} />
      <Failure error={replay.error} />
      {replay.data && <Result report={replay.data} />}
    </Stack>
  );
}

function Result({ report }: { report: Report }) {
  const { t } = useTranslation();
  const { title, lines } = replayWords(report, t);
  return (
    <Alert color={report.diverged ? 'yellow' : 'green'} title={title} role="status">
      {lines.map((line, index) => <div key={index} className="call-text">{line}</div>)}
    </Alert>
  );
}
