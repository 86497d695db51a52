import { Anchor, Badge, Button, Group, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { RowActions } from '../../components/RowActions';
import { usePages } from '../../lib/usePages';
import { useMayEdit } from '../session/useMayEdit';
import { NewNumber } from './NewNumber';
import { readNumber } from './readNumber';

const COLUMNS = ['number', 'name', 'scenario', 'fallback'] as const;

/** The domain's numbers: what starts when they are called. */
export function NumberList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const mayEdit = useMayEdit();
  const [search, setSearch] = useState('');
  const [q] = useDebouncedValue(search.trim(), 250);
  const [creating, setCreating] = useState(false);
  const [removing, setRemoving] = useState<string | null>(null);
  const { query, items } = usePages(['numbers', domain, q], async (cursor) => {
    const params = { path: { domain }, query: { limit: 50, ...(q ? { q } : {}), ...cursor } };
    return (await taken(api.GET('/domains/{domain}/numbers', { params }))).data;
  });
  const columns = [...COLUMNS.map((column) => t(`numbers.${column}`)), ...(mayEdit ? [t('common.actions')] : [])];
  return (
    <Stack>
      <PageHeader title={t('numbers.title')} text={t('numbers.about')}>
        {mayEdit && <Button onClick={() => setCreating(true)}>{t('numbers.new')}</Button>}
      </PageHeader>
      <TextInput type="search" label={t('common.search')} value={search} maw={360} onChange={(event) => setSearch(event.currentTarget.value)} />
      <Listing label={t('numbers.title')} columns={columns} query={query} items={items} empty={t(q ? 'numbers.noneFound' : 'numbers.empty')}
        row={(number) => <NumberRow key={number.number} number={number} mayEdit={mayEdit} onRemove={() => setRemoving(number.number)} />} />
      {creating && <NewNumber domain={domain} onClose={() => setCreating(false)} />}
      {removing !== null && <RemoveNumber domain={domain} number={removing} onClose={() => setRemoving(null)} />}
    </Stack>
  );
}

function NumberRow({ number, mayEdit, onRemove }: { number: Schemas['Number']; mayEdit: boolean; onRemove: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const to = encodeURIComponent(number.number);
  const { canary, fallback } = number;
  return (
    <Table.Tr>
      <Table.Td><Anchor component={Link} to={to} size="sm">{number.number}</Anchor></Table.Td>
      <Table.Td>{number.title}</Table.Td>
      <Table.Td>
        <Group gap={6}>
          <span>{number.scenario} <Text span size="xs" c="dimmed" ff="monospace">{number.version.slice(0, 8)}</Text></span>
          {canary && <Badge variant="dot" color="yellow">{t('numbers.trial', { share: canary.share_percent, version: canary.version.slice(0, 8) })}</Badge>}
        </Group>
      </Table.Td>
      <Table.Td>{fallback ? fallback.scenario : t(`numbers.cause.${number.fallback_cause ?? 'unavailable'}`, { defaultValue: number.fallback_cause ?? '' })}</Table.Td>
      {mayEdit && (
        <Table.Td>
          <RowActions of={number.number} actions={[
            { label: t('common.edit'), onClick: () => void navigate(to) },
            { label: t('common.delete'), onClick: onRemove },
          ]} />
        </Table.Td>
      )}
    </Table.Tr>
  );
}

function RemoveNumber({ domain, number, onClose }: { domain: string; number: string; onClose: () => void }) {
  const { t } = useTranslation();
  const remove = async () => {
    const { etag } = await readNumber(domain, number);
    const params = { path: { domain, number }, header: { 'If-Match': etag } };
    await taken(api.DELETE('/domains/{domain}/numbers/{number}', { params }));
  };
  return <ConfirmDelete what={number} text={t('numbers.deleteHint')} onDelete={remove} stale={[['numbers', domain]]} onClose={onClose} />;
}
