import { Button, Table } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { RowActions } from '../../components/RowActions';
import { OnlineDot } from './Phones';

const actions = ['edit', 'password', 'delete'] as const;
export type UserAction = (typeof actions)[number] | 'phones';
type Props = { user: Schemas['ListedUser']; /** Whether its phones are counted. */ counted: boolean; mayEdit: boolean; onAction: (action: UserAction) => void };

export function UserRow({ user, counted, mayEdit, onAction }: Props) {
  const { t } = useTranslation();
  const words = { edit: t('common.edit'), password: t('users.newPassword'), delete: t('common.delete') };
  return (
    <Table.Tr>
      <Table.Td>{user.name}</Table.Td>
      <Table.Td>{user.display_name}</Table.Td>
      <Table.Td>{user.numbers.join(', ')}</Table.Td>
      {counted && <Table.Td><PhoneCount user={user} onOpen={() => onAction('phones')} /></Table.Td>}
      {mayEdit && (
        <Table.Td>
          <RowActions of={user.name} actions={actions.map((action) => ({ label: words[action], onClick: () => onAction(action) }))} />
        </Table.Td>
      )}
    </Table.Tr>
  );
}

/** How many phones of a user are registered; it opens the list of them. */
function PhoneCount({ user, onOpen }: { user: Schemas['ListedUser']; onOpen: () => void }) {
  const { t } = useTranslation();
  const count = user.registrations ?? null;
  if (count === null) return '–';
  const label = `${t('users.phonesOf', { name: user.name })}: ${t('users.registered', { count })}`;
  return (
    <Button variant="subtle" color="dark" size="compact-sm" leftSection={<OnlineDot on={count > 0} />} aria-label={label} title={label} onClick={onOpen}>
      {count}
    </Button>
  );
}
