import { Table } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { RowActions } from '../../components/RowActions';

const editing = ['edit', 'password', 'delete'] as const;
export type UserAction = 'devices' | (typeof editing)[number];
type Props = { user: Schemas['User']; mayEdit: boolean; onAction: (action: UserAction) => void };

export function UserRow({ user, mayEdit, onAction }: Props) {
  const { t } = useTranslation();
  const words = { devices: t('devices.title'), edit: t('common.edit'), password: t('users.newPassword'), delete: t('common.delete') };
  const actions = ['devices' as const, ...(mayEdit ? editing : [])];
  return (
    <Table.Tr>
      <Table.Td>{user.name}</Table.Td>
      <Table.Td>{user.display_name}</Table.Td>
      <Table.Td>{user.numbers.join(', ')}</Table.Td>
      <Table.Td>
        <RowActions of={user.name} actions={actions.map((action) => ({ label: words[action], onClick: () => onAction(action) }))} />
      </Table.Td>
    </Table.Tr>
  );
}
