import { Radio, Select, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';

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

/** The user of the domain that the account is; the server searches. */
export function UserOf({ domain, value, onChange, error }: UserProps) {
  const { t } = useTranslation();
  const [q, setQ] = useState('');
  const users = useQuery({
    queryKey: ['users', domain, 'choose', q],
    queryFn: async () => {
      const query = { limit: 50, ...(q ? { q } : {}) };
      return (await taken(api.GET('/domains/{domain}/users', { params: { path: { domain }, query } }))).data.items;
    },
  });
  const data = (users.data ?? []).map(({ name, display_name: label }) => ({ value: name, label: label ? `${name} – ${label}` : name }));
  return (
    <Select label={t('accounts.user')} description={t('accounts.userHint')} data={data} value={value} onChange={onChange} searchable
      required error={error} nothingFoundMessage={t('users.noneFound')} filter={({ options }) => options}
      onSearchChange={(text) => setQ(data.some(({ label }) => label === text) ? '' : text.trim())} />
  );
}
