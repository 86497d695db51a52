import { Anchor, AppShell, Burger, Group, NavLink, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconUsers } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link, Outlet, useLocation, useParams } from 'react-router';

import { useSession } from '../features/session/SessionProvider';
import { AccountMenu } from './AccountMenu';

export function Shell() {
  const { t } = useTranslation();
  const { domain } = useParams();
  const { session } = useSession();
  const { pathname } = useLocation();
  const [opened, { toggle, close }] = useDisclosure();
  const users = `/domains/${encodeURIComponent(domain ?? '')}/users`;
  return (
    <AppShell header={{ height: 56 }} padding="lg"
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !opened, desktop: !domain } }}>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between">
          <Group>
            {domain && <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('shell.menu')} />}
            <Anchor component={Link} to="/" fw={700} c="inherit" underline="never">Tandem</Anchor>
            {domain && <Text c="dimmed">{domain}</Text>}
            {domain && session.account.role === 'system' && (
              <Anchor component={Link} to="/" size="sm">{t('shell.switch')}</Anchor>
            )}
          </Group>
          <AccountMenu />
        </Group>
      </AppShell.Header>
      {domain && (
        <AppShell.Navbar p="sm" aria-label={t('shell.navigation')}>
          {session.account.role !== 'user' && (
            <NavLink component={Link} to={users} active={pathname === users} onClick={close}
              label={t('users.title')} leftSection={<IconUsers size={18} aria-hidden />} />
          )}
        </AppShell.Navbar>
      )}
      <AppShell.Main>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
}
