import { Button, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { accountsApi } from './api';
import { PasswordField } from './PasswordField';

type Props = { domain: string | undefined; login: string; onClose: () => void };

/** Sets another one's password; his sessions end. */
export function AccountPassword({ domain, login, onClose }: Props) {
  const { t } = useTranslation();
  const [password, setPassword] = useState('');
  const save = useMutation({
    mutationFn: () => accountsApi(domain).change(login, { password }),
    onSuccess: () => {
      notifications.show({ message: t('accounts.passwordSet', { login }) });
      onClose();
    },
  });
  return (
    <Dialog opened onClose={onClose} title={t('users.newPasswordOf', { name: login })}>
      <form onSubmit={inPlace(save.mutate)}>
        <Stack>
          <Failure error={save.error} shown={['password']} />
          <Text size="sm">{t('accounts.passwordText')}</Text>
          <PasswordField value={password} onChange={setPassword} error={fieldsOf(save.error)['password']} focus />
          <Button type="submit" loading={save.isPending}>{t('common.save')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}
