import { Button, Group, Image, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, taken } from '../../api/client';
import { Copied } from '../../components/Copied';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { LoadError, Loading } from '../../components/Loading';
import { inPlace } from '../../lib/inPlace';
import { qrPicture } from '../../lib/qr';
import { useSession } from './SessionProvider';

/** The account's own second factor (RFC 6238): switched on by an app that shows codes, and off by the password. */
export function SecondFactor({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  // What it was when the dialog was opened: its end is told by closing it, not by turning it into the other one.
  const [on] = useState(useSession().session.account.totp);
  return (
    <Dialog opened onClose={onClose} title={t('factor.title')}>
      {on ? <SwitchOff onClose={onClose} /> : <SwitchOn onClose={onClose} />}
    </Dialog>
  );
}

function SwitchOn({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { renew } = useSession();
  const [code, setCode] = useState('');
  // Each asking makes another secret, so it is asked once for each dialog.
  const offer = useQuery({
    queryKey: ['second-factor'],
    queryFn: async () => (await taken(api.POST('/session/totp'))).data,
    staleTime: Infinity, gcTime: 0, retry: false, refetchOnWindowFocus: false, refetchOnReconnect: false,
  });
  const confirm = useMutation({
    mutationFn: () => taken(api.PUT('/session/totp', { body: { code: code.replace(/\s/g, '') } })),
    onSuccess: () => {
      notifications.show({ message: t('factor.isOn') });
      renew();
      onClose();
    },
  });
  if (offer.isPending) return <Loading h={320} />;
  if (offer.isError) return <LoadError error={offer.error} onRetry={offer.refetch} />;
  return (
    <form onSubmit={inPlace(confirm.mutate)}>
      <Stack>
        <Text size="sm">{t('factor.scan')}</Text>
        <Image src={qrPicture(offer.data.uri)} alt={t('factor.qr')} w={200} h={200} mx="auto" />
        <Copied label={t('factor.secret')} value={offer.data.secret} />
        <Failure error={confirm.error} shown={['code']} />
        <TextInput label={t('login.code')} description={t('login.codeHint')} value={code} required data-autofocus
          autoComplete="one-time-code" inputMode="numeric" error={fieldsOf(confirm.error)['code'] && t('factor.wrongCode')}
          onChange={(event) => setCode(event.currentTarget.value)} />
        <Buttons label={t('factor.switchOn')} pending={confirm.isPending} onClose={onClose} />
      </Stack>
    </form>
  );
}

function SwitchOff({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { renew } = useSession();
  const [password, setPassword] = useState('');
  const end = useMutation({
    mutationFn: () => taken(api.DELETE('/session/totp', { body: { password } })),
    onSuccess: () => {
      notifications.show({ message: t('factor.isOff') });
      renew();
      onClose();
    },
  });
  return (
    <form onSubmit={inPlace(end.mutate)}>
      <Stack>
        <Text size="sm">{t('factor.offText')}</Text>
        <Failure error={end.error} shown={['password']} />
        <PasswordInput label={t('password.old')} value={password} required data-autofocus autoComplete="current-password"
          error={fieldsOf(end.error)['password'] && t('factor.wrongPassword')} onChange={(event) => setPassword(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': t('login.show') }} />
        <Buttons label={t('factor.switchOff')} pending={end.isPending} onClose={onClose} />
      </Stack>
    </form>
  );
}

function Buttons({ label, pending, onClose }: { label: string; pending: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Group justify="flex-end">
      <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
      <Button type="submit" loading={pending}>{label}</Button>
    </Group>
  );
}
