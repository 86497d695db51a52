import { Radio, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { UserSelect } from '../users/UserSelect';

type Role = Schemas['Role'];
type RolesProps = { value: Role; onChange: (role: Role) => void; error: string | undefined; disabled?: boolean; hint?: string };

/** What an account of a domain may do. */
export function Roles({ value, onChange, error, disabled = false, hint }: RolesProps) {
  const { t } = useTranslation();
  return (
    <Radio.Group label={t('accounts.role')} description={hint} value={value} onChange={(role) => onChange(role as Role)} error={error}>
      <Stack gap="xs" mt={4}>
        {(['administrator', 'supervisor', 'user'] as const).map((role) => (
          <Radio key={role} value={role} disabled={disabled} label={t(`role.${role}`)} description={t(`role.${role}Hint`)} />
        ))}
      </Stack>
    </Radio.Group>
  );
}

type UserProps = { domain: string; value: string | null; onChange: (user: string | null) => void; error: string | undefined };

/** The user of the domain that the account is. */
export function UserOf(props: UserProps) {
  const { t } = useTranslation();
  return <UserSelect label={t('accounts.user')} description={t('accounts.userHint')} {...props} />;
}
