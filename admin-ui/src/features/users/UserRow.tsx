import { Button, Group, Table } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';

const actions = ['edit', 'password', 'delete'] as const;
export type UserAction = (typeof actions)[number];
type Props = { user: Schemas['User']; mayEdit: boolean; onAction: (action: UserAction) => void };

export function UserRow({ user, mayEdit, onAction }: Props) {
  const { t } = useTranslation();
  const words = { edit: t('common.edit'), password: t('users.newPassword'), delete: t('common.delete') };
  return (
    <Table.Tr>
      <Table.Td>{user.name}</Table.Td>
      <Table.Td>{user.display_name}</Table.Td>
      <Table.Td>{user.numbers.join(', ')}</Table.Td>
      <Table.Td>{t('users.registered', { count: user.registrations })}</Table.Td>
      {mayEdit && (
        <Table.Td>
          <Group gap={6} wrap="nowrap">
            {actions.map((action) => (
              <Button key={action} size="compact-xs" variant="default" aria-label={`${words[action]}: ${user.name}`}
                onClick={() => onAction(action)}>{words[action]}</Button>
            ))}
          </Group>
        </Table.Td>
      )}
    </Table.Tr>
  );
}
