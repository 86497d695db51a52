import { Anchor, Badge, Button, Stack, Table } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { RowActions } from '../../components/RowActions';
import { When } from '../../components/When';
import { usePages } from '../../lib/usePages';
import { useMayEdit } from '../session/useMayEdit';
import { NewFlow, type Origin } from './NewFlow';

const COLUMNS = ['name', 'flowTitle', 'state', 'numbers', 'changed'] as const;

/** The domain's drawn flows. */
export function FlowList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const mayEdit = useMayEdit();
  const [origin, setOrigin] = useState<Origin | null>(null);
  const [removing, setRemoving] = useState<string | null>(null);
  const { query, items } = usePages(['flows', domain], async (cursor) => {
    const params = { path: { domain }, query: { limit: 50, ...cursor } };
    return (await taken(api.GET('/domains/{domain}/flows', { params }))).data;
  });
  const columns = [...COLUMNS.map((column) => t(`flows.${column}`)), ...(mayEdit ? [t('common.actions')] : [])];
  return (
    <Stack>
      <PageHeader title={t('flows.title')} text={t('flows.about')}>
        {mayEdit && <Button variant="default" onClick={() => setOrigin({ from: 'file' })}>{t('flows.import')}</Button>}
        {mayEdit && <Button onClick={() => setOrigin({ from: 'nothing' })}>{t('flows.new')}</Button>}
      </PageHeader>
      <Listing label={t('flows.title')} columns={columns} query={query} items={items} empty={t('flows.empty')}
        row={(flow) => (
          <FlowRow key={flow.name} flow={flow} mayEdit={mayEdit} onCopy={() => setOrigin({ from: 'flow', name: flow.name })}
            onRemove={() => setRemoving(flow.name)} />
        )} />
      {origin && <NewFlow domain={domain} origin={origin} onClose={() => setOrigin(null)} />}
      {removing !== null && <RemoveFlow domain={domain} name={removing} onClose={() => setRemoving(null)} />}
    </Stack>
  );
}

type RowProps = { flow: Schemas['Flow']; mayEdit: boolean; onCopy: () => void; onRemove: () => void };

function FlowRow({ flow, mayEdit, onCopy, onRemove }: RowProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const to = encodeURIComponent(flow.name);
  const actions = [
    { label: t('flows.open'), onClick: () => void navigate(to) },
    { label: t('flows.duplicate'), onClick: onCopy },
    { label: t('common.delete'), onClick: onRemove },
  ];
  return (
    <Table.Tr>
      <Table.Td>{mayEdit ? <Anchor component={Link} to={to} size="sm">{flow.name}</Anchor> : flow.name}</Table.Td>
      <Table.Td>{flow.title}</Table.Td>
      <Table.Td>
        <Badge variant="dot" color={flow.problems > 0 ? 'red' : 'green'}>
          {flow.problems > 0 ? t('flows.problems', { count: flow.problems }) : t('flows.sound')}
        </Badge>
      </Table.Td>
      <Table.Td>{flow.numbers.join(', ') || '–'}</Table.Td>
      <Table.Td><When at={flow.changed_at} />{flow.changed_by && `, ${flow.changed_by}`}</Table.Td>
      {mayEdit && <Table.Td><RowActions of={flow.name} actions={actions} /></Table.Td>}
    </Table.Tr>
  );
}

function RemoveFlow({ domain, name, onClose }: { domain: string; name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const path = { domain, name };
  const remove = async () => {
    const { etag } = await taken(api.GET('/domains/{domain}/flows/{name}', { params: { path } }));
    await taken(api.DELETE('/domains/{domain}/flows/{name}', { params: { path, header: { 'If-Match': etag } } }));
  };
  return <ConfirmDelete what={name} text={t('flows.deleteHint')} onDelete={remove} stale={[['flows', domain]]} onClose={onClose} />;
}
