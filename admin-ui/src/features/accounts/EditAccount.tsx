import { Button, Stack, Switch, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { useSession } from '../session/SessionProvider';
import { accountsApi } from './api';
import { Roles, UserOf } from './RoleFields';

type Props = { domain: string | undefined; account: Schemas['Account']; onSaved: () => void; onClose: () => void };

export function EditAccount({ domain, account, onSaved, onClose }: Props) {
  const { t } = useTranslation();
  const own = useSession().session.account.login === account.login;
  const [name, setName] = useState(account.display_name);
  const [blocked, setBlocked] = useState(account.blocked);
  const [role, setRole] = useState(account.role);
  const [user, setUser] = useState(account.user);
  const save = useMutation({
    mutationFn: () => accountsApi(domain).change(account.login, {
      ...(name.trim() === account.display_name ? {} : { display_name: name.trim() }),
      ...(blocked === account.blocked ? {} : { blocked }),
      ...(role === account.role ? {} : { role }),
      ...(role === 'user' && user && user !== account.user ? { user } : {}),
    }),
    onSuccess: onSaved,
  });
  const fields = fieldsOf(save.error);
  return (
    <Dialog opened onClose={onClose} title={t('accounts.edit', { login: account.login })}>
      <form onSubmit={inPlace(save.mutate)}>
        <Stack>
          <Failure error={save.error} shown={['display_name', 'blocked', 'role', 'user']} />
          <TextInput label={t('accounts.name')} value={name} error={fields['display_name']} data-autofocus
            onChange={(event) => setName(event.currentTarget.value)} />
          {domain && (
            <Roles value={role} onChange={setRole} error={fields['role']} disabled={own}
              hint={t(own ? 'accounts.roleOwn' : 'accounts.roleHint')} />
          )}
          {domain && role === 'user' && <UserOf domain={domain} value={user} onChange={setUser} error={fields['user']} />}
          <Switch label={t('accounts.block')} description={t(own ? 'accounts.blockOwn' : 'accounts.blockHint')} checked={blocked}
            disabled={own} onChange={(event) => setBlocked(event.currentTarget.checked)} />
          <Button type="submit" loading={save.isPending}>{t('common.save')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}
