import { Button, Group, Skeleton, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { useTitle } from '../../app/useTitle';
import { LoadError } from '../../components/LoadError';
import { useSession } from '../session/SessionProvider';
import { NewUser } from './NewUser';

export function UserList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const { role } = useSession().session.account;
  const [search, setSearch] = useState('');
  const [q] = useDebouncedValue(search.trim(), 250);
  useTitle(t('users.title'));
  const users = useInfiniteQuery({
    queryKey: ['users', domain, q],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam: cursor }) => {
      const query = { limit: 50, ...(q ? { q } : {}), ...(cursor ? { cursor } : {}) };
      return (await taken(api.GET('/domains/{d}/users', { params: { path: { d: domain }, query } }))).data;
    },
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const items = users.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1} size="h2">{t('users.title')}</Title>
        {(role === 'system' || role === 'administrator') && <NewUser domain={domain} />}
      </Group>
      <TextInput type="search" label={t('users.search')} value={search} maw={360}
        onChange={(event) => setSearch(event.currentTarget.value)} />
      {users.isPending && <Skeleton h={200} />}
      {users.isError && <LoadError error={users.error} onRetry={users.refetch} />}
      {users.isSuccess && items.length === 0 && <Text c="dimmed">{t(q ? 'users.noneFound' : 'users.empty')}</Text>}
      {items.length > 0 && <UserTable users={items} />}
      {users.hasNextPage && (
        <Button variant="default" loading={users.isFetchingNextPage} onClick={() => void users.fetchNextPage()}>
          {t('users.more')}
        </Button>
      )}
    </Stack>
  );
}

function UserTable({ users }: { users: Schemas['User'][] }) {
  const { t } = useTranslation();
  return (
    <Table.ScrollContainer minWidth={520}>
      <Table highlightOnHover aria-label={t('users.title')}>
        <Table.Thead>
          <Table.Tr>
            {['name', 'displayName', 'numbers', 'phones'].map((column) => (
              <Table.Th key={column} scope="col">{t(`users.${column}`)}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {users.map((user) => (
            <Table.Tr key={user.name}>
              <Table.Td>{user.name}</Table.Td>
              <Table.Td>{user.display_name}</Table.Td>
              <Table.Td>{user.numbers.join(', ')}</Table.Td>
              <Table.Td>{t('users.registered', { count: user.registrations })}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
