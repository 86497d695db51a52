import { Alert, Anchor, List, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { api, taken } from '../../api/client';
import { useMayEdit } from '../session/useMayEdit';

/** What to do in a domain that has no users yet. */
export function FirstSteps({ domain }: { domain: string }) {
  const { t } = useTranslation();
  const mayEdit = useMayEdit();
  const users = useQuery({
    // Not a text: a list of users has what it is searched for there.
    queryKey: ['users', domain, { limit: 1 }],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/users', { params: { path: { domain }, query: { limit: 1 } } }))).data.items,
    enabled: mayEdit,
  });
  if (!users.data || users.data.length > 0) return null;
  const base = `/domains/${encodeURIComponent(domain)}`;
  return (
    <Alert color="blue" title={t('first.title')}>
      <Text size="sm" mb="xs">{t('first.text')}</Text>
      <List type="ordered" size="sm" spacing={4}>
        {(['users', 'schedules', 'prompts'] as const).map((page) => (
          <List.Item key={page}><Anchor component={Link} to={`${base}/${page}`} size="sm" c="inherit" underline="always">{t(`first.${page}`)}</Anchor></List.Item>
        ))}
      </List>
    </Alert>
  );
}
