import { Badge, Button, Group, Stack, Table, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import type { Schemas } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { RowActions } from '../../components/RowActions';
import { When } from '../../components/When';
import { useSession } from '../session/SessionProvider';
import { AccountPassword } from './AccountPassword';
import { accountsApi } from './api';
import { EditAccount } from './EditAccount';
import { NewAccount } from './NewAccount';

type Account = Schemas['Account'];
type Chosen = { account: Account; action: 'edit' | 'password' | 'delete' };

/** People who log in: a domain's, or, outside of any, the system's. */
export function AccountList() {
  const { t } = useTranslation();
  const { domain } = useParams();
  const queries = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const accounts = useQuery({ queryKey: ['accounts', domain ?? null], queryFn: accountsApi(domain).list });
  const close = () => setChosen(null);
  const changed = () => {
    void queries.invalidateQueries({ queryKey: ['accounts', domain ?? null] });
    close();
  };
  const title = t(domain ? 'accounts.title' : 'accounts.system');
  return (
    <Stack>
      <PageHeader title={title} text={t(domain ? 'accounts.text' : 'accounts.systemText')}>
        <Button onClick={() => setCreating(true)}>{t('accounts.new')}</Button>
      </PageHeader>
      <Listing label={title} query={accounts} items={accounts.data ?? []} empty={t('accounts.empty')}
        columns={[t('accounts.login'), t('accounts.name'), t('accounts.role'), t('accounts.lastLogin'), t('common.actions')]}
        row={(account) => (
          <Row key={account.login} account={account} onAction={(action) => setChosen({ account, action })} />
        )} />
      {creating && <NewAccount domain={domain} onClose={() => setCreating(false)} />}
      {chosen?.action === 'edit' && <EditAccount domain={domain} account={chosen.account} onSaved={changed} onClose={close} />}
      {chosen?.action === 'password' && <AccountPassword domain={domain} login={chosen.account.login} onClose={close} />}
      {chosen?.action === 'delete' && (
        <ConfirmDelete what={chosen.account.login} text={t('accounts.deleteHint')} stale={[['accounts', domain ?? null]]} onClose={close}
          onDelete={() => accountsApi(domain).remove(chosen.account.login)} />
      )}
    </Stack>
  );
}

function Row({ account, onAction }: { account: Account; onAction: (action: Chosen['action']) => void }) {
  const { t } = useTranslation();
  const own = useSession().session.account.login === account.login;
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap="xs">
          {account.login}
          {own && <Badge size="sm" variant="outline">{t('accounts.you')}</Badge>}
          {account.blocked && <Badge size="sm" color="red.9">{t('accounts.blocked')}</Badge>}
        </Group>
      </Table.Td>
      <Table.Td>{account.display_name}</Table.Td>
      <Table.Td>
        {t(`role.${account.role}`)}
        {account.user && <Text size="xs" c="dimmed">{t('accounts.isUser', { user: account.user })}</Text>}
      </Table.Td>
      <Table.Td><When at={account.last_login_at} none={t('common.never')} /></Table.Td>
      <Table.Td>
        <RowActions of={account.login} actions={[
          { label: t('common.edit'), onClick: () => onAction('edit') },
          { label: t('users.newPassword'), onClick: () => onAction('password') },
          { label: t('common.delete'), onClick: () => onAction('delete'), disabled: own },
        ]} />
      </Table.Td>
    </Table.Tr>
  );
}
