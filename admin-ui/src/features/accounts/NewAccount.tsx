import { Button, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { accountsApi } from './api';
import { PasswordField } from './PasswordField';
import { Roles, UserOf } from './RoleFields';

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
  const fields = fieldsOf(create.error);
  return (
    <Dialog opened onClose={onClose} title={t('accounts.new')}>
      <form onSubmit={inPlace(create.mutate)}>
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
