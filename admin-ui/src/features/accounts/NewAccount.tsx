import { Button, Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { accountsApi } from './api';
import { PasswordField } from './PasswordField';

type Role = Schemas['Role'];
type Props = { domain: string | undefined; onClose: () => void };

export function NewAccount({ domain, onClose }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [login, setLogin] = useState('');
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>(domain ? 'administrator' : 'system');
  const [user, setUser] = useState<string | null>(null);
  const [password, setPassword] = useState('');
  const create = useMutation({
    mutationFn: () => accountsApi(domain).create({
      login: login.trim(), display_name: name.trim(), role, password, ...(role === 'user' && user ? { user } : {}),
    }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['accounts', domain ?? null] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  const fields = fieldsOf(create.error);
  return (
    <Dialog opened onClose={onClose} title={t('accounts.new')}>
      <form onSubmit={submit}>
        <Stack>
          <Failure error={create.error} shown={['login', 'display_name', 'role', 'user', 'password']} />
          <TextInput label={t('accounts.login')} description={t('accounts.loginHint')} value={login} required data-autofocus
            autoComplete="off" error={fields['login']} onChange={(event) => setLogin(event.currentTarget.value)}
            rightSection={domain ? <Text size="sm" c="dimmed">@{domain}</Text> : undefined}
            rightSectionWidth={domain ? Math.min(200, 24 + domain.length * 8) : undefined} />
          <TextInput label={t('accounts.name')} value={name} error={fields['display_name']}
            onChange={(event) => setName(event.currentTarget.value)} />
          {domain && <Roles value={role} onChange={setRole} error={fields['role']} />}
          {domain && role === 'user' && <UserOf domain={domain} value={user} onChange={setUser} error={fields['user']} />}
          <PasswordField value={password} onChange={setPassword} error={fields['password']} />
          <Button type="submit" loading={create.isPending}>{t('common.create')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}

type RolesProps = { value: Role; onChange: (role: Role) => void; error: string | undefined };

function Roles({ value, onChange, error }: RolesProps) {
  const { t } = useTranslation();
  return (
    <Radio.Group label={t('accounts.role')} value={value} onChange={(role) => onChange(role as Role)} error={error}>
      <Stack gap="xs" mt={4}>
        {(['administrator', 'supervisor', 'user'] as const).map((role) => (
          <Radio key={role} value={role} label={t(`role.${role}`)} description={t(`role.${role}Hint`)} />
        ))}
      </Stack>
    </Radio.Group>
  );
}

type UserProps = { domain: string; value: string | null; onChange: (user: string | null) => void; error: string | undefined };

/** The user of the domain that the account is; the server searches. */
function UserOf({ domain, value, onChange, error }: UserProps) {
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
