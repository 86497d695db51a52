import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure } from '../../components/Failure';
import { Credentials } from './Credentials';

/** Has the server make a new password: the phones that use the old one must be told. */
export function NewPassword({ domain, name, onClose }: { domain: string; name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const make = useMutation({
    mutationFn: async () => {
      const params = { path: { domain, name } };
      return (await taken(api.POST('/domains/{domain}/users/{name}/password', { params, body: {} }))).data.sip;
    },
  });
  return (
    <Dialog opened onClose={onClose} title={t('users.newPasswordOf', { name })}>
      {make.data ? (
        <Credentials sip={make.data} onClose={onClose} />
      ) : (
        <Stack>
          <Failure error={make.error} />
          <Text size="sm">{t('users.newPasswordHint')}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose} data-autofocus>{t('common.cancel')}</Button>
            <Button loading={make.isPending} onClick={() => make.mutate()}>{t('users.newPassword')}</Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  );
}
