import { Button, Stack, Table, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { type RowAction, RowActions } from '../../components/RowActions';
import { When } from '../../components/When';
import { downloadUrl } from '../../lib/download';
import { useFormat } from '../../lib/useFormat';
import { usePages } from '../../lib/usePages';
import { useMayEdit } from '../session/useMayEdit';
import { promptUrl } from './prompts';
import { RecordPrompt } from './RecordPrompt';
import { SpeakPrompt } from './SpeakPrompt';
import { UploadPrompt } from './UploadPrompt';

type Open = { kind: 'upload' | 'speak' | 'record' | 'delete'; name: string } | null;

/** The sounds that the domain's scenarios play. */
export function PromptList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const queries = useQueryClient();
  const mayEdit = useMayEdit();
  const [search, setSearch] = useState('');
  const [open, setOpen] = useState<Open>(null);
  const [playing, setPlaying] = useState('');
  const { query, items } = usePages(['prompts', domain], async () => (
    (await taken(api.GET('/domains/{domain}/prompts', { params: { path: { domain } } }))).data
  ));
  const close = () => setOpen(null);
  const read = () => void queries.invalidateQueries({ queryKey: ['prompts', domain] });
  const changed = () => {
    read();
    close();
  };
  const q = search.trim().toLowerCase();
  return (
    <Stack>
      <PageHeader title={t('prompts.title')} text={t('prompts.text')}>
        {mayEdit && <Button variant="default" onClick={() => setOpen({ kind: 'speak', name: '' })}>{t('prompts.speak')}</Button>}
        {mayEdit && <Button variant="default" onClick={() => setOpen({ kind: 'record', name: '' })}>{t('prompts.record')}</Button>}
        {mayEdit && <Button onClick={() => setOpen({ kind: 'upload', name: '' })}>{t('prompts.upload')}</Button>}
      </PageHeader>
      <TextInput type="search" label={t('common.search')} value={search} maw={360} onChange={(event) => setSearch(event.currentTarget.value)} />
      <Listing label={t('prompts.title')} query={query} items={items.filter(({ name }) => name.toLowerCase().includes(q))}
        empty={t(q ? 'prompts.noneFound' : 'prompts.empty')}
        columns={[t('prompts.name'), t('prompts.duration'), t('prompts.size'), t('common.changedAt'), t('common.actions')]}
        row={(prompt) => (
          <Row key={`${prompt.name} ${prompt.changed_at}`} domain={domain} prompt={prompt} mayEdit={mayEdit} onOpen={setOpen}
            playing={playing === prompt.name} onPlay={(on) => setPlaying(on ? prompt.name : '')} />
        )} />
      {open?.kind === 'upload' && <UploadPrompt domain={domain} name={open.name} present={items} onDone={changed} onClose={close} />}
      {open?.kind === 'speak' && <SpeakPrompt domain={domain} name={open.name} present={items} onDone={changed} onClose={close} />}
      {open?.kind === 'record' && <RecordPrompt domain={domain} name={open.name} present={items} onKept={read} onClose={close} />}
      {open?.kind === 'delete' && (
        <ConfirmDelete what={open.name} text={t('prompts.deleteHint')} stale={[['prompts', domain]]} onClose={close}
          onDelete={() => taken(api.DELETE('/domains/{domain}/prompts/{name}', { params: { path: { domain, name: open.name } } }))} />
      )}
    </Stack>
  );
}

type RowProps = {
  domain: string; prompt: Schemas['Prompt']; mayEdit: boolean; onOpen: (open: Open) => void;
  playing: boolean; onPlay: (on: boolean) => void;
};

function Row({ domain, prompt, mayEdit, onOpen, playing, onPlay }: RowProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const { name } = prompt;
  const url = promptUrl(domain, name);
  const actions: RowAction[] = [
    {
      label: t(playing ? 'prompts.stop' : 'prompts.play'), name: t(playing ? 'prompts.stopOf' : 'prompts.playOf', { name }),
      onClick: () => onPlay(!playing),
    },
    { label: t('prompts.download'), onClick: () => downloadUrl(url, `${name.replace(/\.wav$/, '')}.wav`) },
  ];
  if (mayEdit) {
    actions.push({ label: t('prompts.replace'), onClick: () => onOpen({ kind: 'upload', name }) });
    actions.push({ label: t('prompts.record'), onClick: () => onOpen({ kind: 'record', name }) });
    actions.push({ label: t('common.delete'), onClick: () => onOpen({ kind: 'delete', name }) });
  }
  return (
    <Table.Tr>
      <Table.Td>
        {name}
        {playing && (
          <audio className="player" controls autoPlay src={url}
            aria-label={t('prompts.soundOf', { name })} onEnded={() => onPlay(false)} />
        )}
      </Table.Td>
      <Table.Td>{prompt.duration_ms === null ? '–' : format.duration(prompt.duration_ms / 1000)}</Table.Td>
      <Table.Td>{format.bytes(prompt.bytes)}</Table.Td>
      <Table.Td><When at={prompt.changed_at} /></Table.Td>
      <Table.Td><RowActions of={name} actions={actions} /></Table.Td>
    </Table.Tr>
  );
}
