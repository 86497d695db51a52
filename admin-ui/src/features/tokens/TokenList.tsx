import { Badge, Button, Code, Group, Stack, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { RowActions } from '../../components/RowActions';
import { When } from '../../components/When';
import { NewToken } from './NewToken';

/** Tokens by which programs use the domain's API. */
export function TokenList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState('');
  const tokens = useQuery({
    queryKey: ['tokens', domain],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/tokens', { params: { path: { domain } } }))).data.items,
  });
  return (
    <Stack>
      <PageHeader title={t('tokens.title')} text={t('tokens.text')}>
        <Button onClick={() => setCreating(true)}>{t('tokens.new')}</Button>
      </PageHeader>
      <Listing label={t('tokens.title')} query={tokens} items={tokens.data ?? []} empty={t('tokens.empty')}
        columns={[t('tokens.name'), t('tokens.scopes'), t('tokens.expiresAt'), t('tokens.lastUsed'), t('common.actions')]}
        row={(token) => <Row key={token.name} token={token} onDelete={() => setDeleting(token.name)} />} />
      {creating && <NewToken domain={domain} onClose={() => setCreating(false)} />}
      {deleting && (
        <ConfirmDelete what={deleting} text={t('tokens.deleteHint')} stale={[['tokens', domain]]} onClose={() => setDeleting('')}
          onDelete={() => taken(api.DELETE('/domains/{domain}/tokens/{name}', { params: { path: { domain, name: deleting } } }))} />
      )}
    </Stack>
  );
}

function Row({ token, onDelete }: { token: Schemas['Token']; onDelete: () => void }) {
  const { t } = useTranslation();
  const expired = token.expires_at !== null && new Date(token.expires_at) < new Date();
  return (
    <Table.Tr>
      <Table.Td>{token.name}</Table.Td>
      <Table.Td><Group gap={4}>{token.scopes.map((scope) => <Code key={scope}>{scope}</Code>)}</Group></Table.Td>
      <Table.Td>
        {expired ? <Badge color="red.9" size="sm">{t('tokens.expired')}</Badge> : <When at={token.expires_at} none={t('common.never')} />}
      </Table.Td>
      <Table.Td><When at={token.last_used_at} none={t('common.never')} /></Table.Td>
      <Table.Td><RowActions of={token.name} actions={[{ label: t('common.delete'), onClick: onDelete }]} /></Table.Td>
    </Table.Tr>
  );
}
