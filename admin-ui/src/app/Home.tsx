import { Anchor, List, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, Navigate } from 'react-router';

import { api, taken } from '../api/client';
import { LoadError } from '../components/LoadError';
import { useSession } from '../features/session/SessionProvider';
import { useTitle } from './useTitle';

/** A domain's accounts go to their domain; the system's choose one. */
export function Home() {
  const { session } = useSession();
  const { domain } = session.account;
  return domain ? <Navigate to={`/domains/${encodeURIComponent(domain)}/users`} replace /> : <ChooseDomain />;
}

function ChooseDomain() {
  const { t } = useTranslation();
  useTitle(t('domains.title'));
  const domains = useQuery({
    queryKey: ['domains'],
    queryFn: () => taken(api.GET('/domains', { params: { query: { limit: 1000 } } })),
  });
  if (domains.isPending) return <Skeleton h={120} />;
  if (domains.isError) return <LoadError error={domains.error} onRetry={domains.refetch} />;
  const { items } = domains.data.data;
  return (
    <Stack>
      <Title order={1}>{t('domains.title')}</Title>
      {items.length === 0 && <Text c="dimmed">{t('domains.empty')}</Text>}
      <List>
        {items.map(({ name }) => (
          <List.Item key={name}>
            <Anchor component={Link} to={`/domains/${encodeURIComponent(name)}/users`}>{name}</Anchor>
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}
