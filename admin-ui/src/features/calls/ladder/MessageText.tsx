import { Button, CopyButton, Group, Paper, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../../api/client';

type Message = Schemas['SipMessage'];

/** The chosen message as it was on the wire, to read and to copy. */
export function MessageText({ message, all }: { message: Message; all: Message[] }) {
  const { t } = useTranslation();
  const way = message.direction === 'in' ? [message.remote, message.local] : [message.local, message.remote];
  return (
    <Paper withBorder p="sm" className="sip-message" component="section" aria-label={t('sip.text')}>
      <Title order={2} size="h5" className="call-decision">{message.summary}</Title>
      <Text size="xs" c="dimmed" mb="xs">{way.join(' → ')} · {message.transport.toUpperCase()} · {message.at}</Text>
      <pre tabIndex={0} aria-label={t('sip.text')}>{message.text}</pre>
      <Group mt="sm" gap="xs">
        <Copy value={message.text} label={t('sip.copy')} />
        <Copy value={asText(all)} label={t('sip.copyAll')} />
      </Group>
    </Paper>
  );
}

function Copy({ value, label }: { value: string; label: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => <Button size="xs" variant="default" onClick={copy}>{copied ? t('common.copied') : label}</Button>}
    </CopyButton>
  );
}

/** All messages for a report: each below a line that says when, from where and to where. */
function asText(all: Message[]): string {
  const head = ({ at, direction, local, remote, transport }: Message) =>
    `--- ${at} ${direction === 'in' ? `${remote} -> ${local}` : `${local} -> ${remote}`} ${transport}`;
  return all.map((message) => `${head(message)}\n${message.text.replaceAll('\r\n', '\n')}`).join('\n');
}
