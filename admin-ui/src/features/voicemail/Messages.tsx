import { Badge, SegmentedControl, Stack, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { words } from '../../components/Failure';
import { Listing } from '../../components/Listing';
import { type RowAction, RowActions } from '../../components/RowActions';
import { When } from '../../components/When';
import { downloadUrl } from '../../lib/download';
import { useFormat } from '../../lib/useFormat';
import { usePages } from '../../lib/usePages';
import { deleteMessage, markMessage, readMessages, soundUrl, type State } from './api';

type Message = Schemas['Voicemail'];
type Props = {
  domain: string; box: string; mayEdit: boolean;
  /** Whether who listens is the one that the messages are for: they are heard then. */
  own?: boolean;
};

const STATES: State[] = ['new', 'heard', 'saved'];
const EVERY_MS = 30_000;

/** The messages of a box: to listen to, to sort, to delete. */
export function Messages({ domain, box, mayEdit, own = false }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [state, setState] = useState<State | 'all'>('all');
  const [playing, setPlaying] = useState(0);
  const [deleting, setDeleting] = useState<Message | null>(null);
  const key = ['voicemail', domain, box];
  const asked = state === 'all' ? null : state;
  const { query, items } = usePages([...key, asked], (cursor) => readMessages(domain, box, asked, cursor), EVERY_MS);
  const changed = () => {
    void queries.invalidateQueries({ queryKey: ['voicemail', domain] });
  };
  const mark = (message: Message, next: State) => {
    markMessage(domain, box, message.id, next).then(changed, (error: Error) => notifications.show({ color: 'red', message: words(error, t) }));
  };
  const choices = ['all' as const, ...STATES];
  return (
    <Stack>
      <SegmentedControl aria-label={t('voicemail.state')} value={state} onChange={(value) => setState(value as State | 'all')}
        style={{ alignSelf: 'flex-start' }} data={choices.map((value) => ({ value, label: t(`voicemail.is.${value}`) }))} />
      <Listing label={t('voicemail.messages')} query={query} items={items} empty={t(asked ? 'voicemail.noneFound' : 'voicemail.none')}
        columns={[t('voicemail.from'), t('voicemail.at'), t('voicemail.duration'), t('voicemail.state'), t('common.actions')]}
        row={(message) => (
          <Row key={message.id} domain={domain} message={message} mayEdit={mayEdit} playing={playing === message.id}
            onPlay={(on) => {
              setPlaying(on ? message.id : 0);
              // Only once it has been listened to: a new message would leave a filtered list while it plays.
              if (!on && own && message.state === 'new') mark(message, 'heard');
            }}
            onMark={(next) => mark(message, next)} onDelete={() => setDeleting(message)} />
        )} />
      {deleting && (
        <ConfirmDelete what={t('voicemail.messageOf', { from: caller(deleting) })} text={t('voicemail.deleteHint')} onClose={() => setDeleting(null)}
          onDelete={() => deleteMessage(domain, box, deleting.id)} stale={[['voicemail', domain]]} />
      )}
    </Stack>
  );
}

type RowProps = {
  domain: string; message: Message; mayEdit: boolean; playing: boolean;
  onPlay: (on: boolean) => void; onMark: (state: State) => void; onDelete: () => void;
};

function Row({ domain, message, mayEdit, playing, onPlay, onMark, onDelete }: RowProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const from = caller(message);
  const url = soundUrl(domain, message.box, message.id);
  const actions: RowAction[] = [
    { label: t(playing ? 'prompts.stop' : 'prompts.play'), onClick: () => onPlay(!playing) },
    { label: t('prompts.download'), onClick: () => downloadUrl(url, fileName(message)) },
  ];
  if (mayEdit) {
    const next: State = message.state === 'saved' ? 'heard' : 'saved';
    actions.push({ label: t(next === 'saved' ? 'voicemail.save' : 'voicemail.unsave'), onClick: () => onMark(next) });
    actions.push({ label: t('common.delete'), onClick: onDelete });
  }
  return (
    <Table.Tr>
      <Table.Td fw={message.state === 'new' ? 600 : undefined}>
        {from}
        {message.caller_name && <Text size="xs" c="dimmed">{message.caller_name}</Text>}
        {playing && (
          <audio className="player" controls autoPlay src={url} aria-label={t('voicemail.messageOf', { from })} onEnded={() => onPlay(false)}
            onError={() => {
              notifications.show({ color: 'red', message: t('voicemail.noSound') });
              onPlay(false);
            }} />
        )}
      </Table.Td>
      <Table.Td><When at={message.stored_at} /></Table.Td>
      <Table.Td>{format.duration(Math.round(message.duration_ms / 1000))}</Table.Td>
      <Table.Td><Badge size="sm" variant={message.state === 'new' ? 'filled' : 'outline'} color="indigo.8">{t(`voicemail.stateIs.${message.state}`)}</Badge></Table.Td>
      <Table.Td><RowActions of={t('voicemail.messageOf', { from })} actions={actions} /></Table.Td>
    </Table.Tr>
  );
}

function caller(message: Message): string {
  return message.caller || message.caller_host || '–';
}

/** Such as `voicemail-301-2026-11-29T12-00-00Z.wav`. */
function fileName({ box, stored_at: at }: Message): string {
  return `voicemail-${box}-${at.slice(0, 19).replaceAll(':', '-')}Z.wav`;
}
