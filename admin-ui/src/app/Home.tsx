import { Stack, Text, Title } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate } from 'react-router';

import { useSession } from '../features/session/SessionProvider';
import { useTitle } from './useTitle';

const DomainList = lazy(async () => ({ default: (await import('../features/domains/DomainList')).DomainList }));

/** The system's accounts see the domains; a domain's go to their own, if their role has pages there. */
export function Home() {
  const { domain, role } = useSession().session.account;
  if (role === 'user') return <NothingHere />;
  if (domain) return <Navigate to={`/domains/${encodeURIComponent(domain)}`} replace />;
  return <Suspense fallback={null}><DomainList /></Suspense>;
}

function NothingHere() {
  const { t } = useTranslation();
  const { display_name: name, login } = useSession().session.account;
  const title = t('home.title', { name: name || login });
  useTitle(title);
  return (
    <Stack>
      <Title order={1} size="h2">{title}</Title>
      <Text>{t('home.nothing')}</Text>
    </Stack>
  );
}
