import { Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, taken } from '../../api/client';
import { LoadError, Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { ChangePassword } from '../session/ChangePassword';
import { SecondFactor } from '../session/SecondFactor';
import { useSession } from '../session/SessionProvider';
import { Phones } from '../users/Phones';
import { NewPassword } from '../users/NewPassword';
import { useMe } from './useMe';

type Dialog = 'phone' | 'password' | 'factor';

/** Who one is, one's phones, and what one logs in with. */
export function Profile() {
  const { t } = useTranslation();
  const { domain, user } = useMe();
  const { account } = useSession().session;
  const [opened, setOpened] = useState<Dialog | null>(null);
  const close = () => setOpened(null);
  return (
    <Stack>
      <PageHeader title={t('me.title')} />
      <Person domain={domain} user={user} />
      <Stack gap="xs" component="section">
        <Group justify="space-between">
          <Title order={2} size="h4">{t('users.phones')}</Title>
          <Button size="xs" variant="default" onClick={() => setOpened('phone')}>{t('me.newPhonePassword')}</Button>
        </Group>
        <Phones domain={domain} name={user} />
      </Stack>
      <Stack gap="xs" component="section">
        <Title order={2} size="h4">{t('me.security')}</Title>
        <Text size="sm">{t(account.totp ? 'factor.isOn' : 'factor.isOff')}</Text>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={() => setOpened('factor')}>{t(account.totp ? 'me.factorOff' : 'me.factorOn')}</Button>
          <Button size="xs" variant="default" onClick={() => setOpened('password')}>{t('password.title')}</Button>
        </Group>
      </Stack>
      {opened === 'phone' && <NewPassword domain={domain} name={user} onClose={close} />}
      {opened === 'password' && <ChangePassword onClose={close} />}
      {opened === 'factor' && <SecondFactor onClose={close} />}
    </Stack>
  );
}

function Person({ domain, user }: { domain: string; user: string }) {
  const { t } = useTranslation();
  const { login } = useSession().session.account;
  const me = useQuery({
    queryKey: ['me', domain, user],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/users/{name}', { params: { path: { domain, name: user } } }))).data,
  });
  if (me.isPending) return <Loading h={90} />;
  if (me.isError) return <LoadError error={me.error} onRetry={me.refetch} />;
  const { name, display_name: label, numbers } = me.data;
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 2, md: 4 }} component="dl" m={0}>
        <Fact label={t('users.displayName')}>{label || '–'}</Fact>
        <Fact label={t('users.name')}>{name}</Fact>
        <Fact label={t('users.numbers')}>{numbers.join(', ') || '–'}</Fact>
        <Fact label={t('accounts.login')}>{login}</Fact>
      </SimpleGrid>
    </Paper>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return <div><Text component="dt" size="xs" c="dimmed">{label}</Text><Text component="dd" size="sm" m={0}>{children}</Text></div>;
}
