import { Anchor, Stack, Switch, Table, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { useFormat } from '../../lib/useFormat';

type Box = Schemas['VoicemailBox'];

/** The domain's voicemail boxes: its users', and those that it has besides. */
export function BoxList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const [search, setSearch] = useState('');
  const [withMessages, setWithMessages] = useState(false);
  const boxes = useQuery({
    queryKey: ['voicemail', domain],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/voicemail', { params: { path: { domain } } }))).data.boxes,
    refetchInterval: 30_000,
  });
  const q = search.trim().toLowerCase();
  const shown = (boxes.data ?? []).filter((box) => box.name.toLowerCase().includes(q) && (!withMessages || count(box) > 0));
  const narrowed = q !== '' || withMessages;
  const columns = ['box', 'is.new', 'is.heard', 'is.saved', 'keeps'] as const;
  return (
    <Stack>
      <PageHeader title={t('voicemail.title')} text={t('voicemail.text')} />
      <TextInput type="search" label={t('common.search')} value={search} maw={360} onChange={(event) => setSearch(event.currentTarget.value)} />
      <Switch label={t('voicemail.withMessages')} checked={withMessages} onChange={(event) => setWithMessages(event.currentTarget.checked)} />
      <Listing label={t('voicemail.title')} query={boxes} items={shown} empty={t(narrowed ? 'voicemail.noBoxFound' : 'voicemail.noBox')}
        columns={columns.map((column) => t(`voicemail.${column}`))} row={(box) => <Row key={box.name} box={box} />} />
    </Stack>
  );
}

function Row({ box }: { box: Box }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { messages } = box;
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} size="sm" to={encodeURIComponent(box.name)}>{t(box.of_user ? 'voicemail.ofUser' : 'voicemail.ofDomain', { box: box.name })}</Anchor>
      </Table.Td>
      <Table.Td fw={messages.new > 0 ? 600 : undefined}>{format.number(messages.new)}</Table.Td>
      <Table.Td>{format.number(messages.heard)}</Table.Td>
      <Table.Td>{format.number(messages.saved)}</Table.Td>
      <Table.Td>{box.keep_s === null ? t('voicemail.forEver') : format.duration(box.keep_s)}</Table.Td>
    </Table.Tr>
  );
}

function count({ messages }: Box): number {
  return messages.new + messages.heard + messages.saved;
}
