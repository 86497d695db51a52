import { Anchor, AppShell, Burger, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { Link, Outlet, useParams } from 'react-router';

import { useSession } from '../features/session/SessionProvider';
import { AccountMenu } from './AccountMenu';
import { DomainSwitcher } from './DomainSwitcher';
import { Navigation } from './Navigation';

export function Shell() {
  const { t } = useTranslation();
  const { domain } = useParams();
  const { role } = useSession().session.account;
  const [opened, { toggle, close }] = useDisclosure();
  return (
    <AppShell header={{ height: 56 }} padding="lg"
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !opened } }}>
      <a href="#content" className="skip">{t('shell.skip')}</a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group wrap="nowrap" miw={0}>
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('shell.menu')} />
            <Anchor component={Link} to="/" fw={700} c="inherit" underline="never">Tandem</Anchor>
            {role === 'system' ? <DomainSwitcher /> : <Text c="dimmed" truncate>{domain}</Text>}
          </Group>
          <AccountMenu />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label={t('shell.navigation')} style={{ overflowY: 'auto' }}>
        <Navigation onFollow={close} />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
}
