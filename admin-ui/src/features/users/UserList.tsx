import { Button, Group, Stack, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { api, taken } from '../../api/client';
import { useTitle } from '../../app/useTitle';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { Listing } from '../../components/Listing';
import { useMayEdit } from '../session/useMayEdit';
import { EditUser } from './EditUser';
import { NewPassword } from './NewPassword';
import { NewUser } from './NewUser';
import { type UserAction, UserRow } from './UserRow';

export function UserList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const mayEdit = useMayEdit();
  const [search, setSearch] = useState('');
  const [q] = useDebouncedValue(search.trim(), 250);
  const [creating, setCreating] = useState(false);
  const [chosen, setChosen] = useState<{ name: string; action: UserAction } | null>(null);
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
  const columns = ['name', 'displayName', 'numbers', 'phones', ...(mayEdit ? ['actions'] : [])];
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1} size="h2">{t('users.title')}</Title>
        {mayEdit && <Button onClick={() => setCreating(true)}>{t('users.new')}</Button>}
      </Group>
      <TextInput type="search" label={t('users.search')} value={search} maw={360}
        onChange={(event) => setSearch(event.currentTarget.value)} />
      <Listing label={t('users.title')} columns={columns.map((column) => t(`users.${column}`))} query={users}
        empty={t(q ? 'users.noneFound' : 'users.empty')} items={users.data?.pages.flatMap((page) => page.items) ?? []}
        row={(user) => (
          <UserRow key={user.name} user={user} mayEdit={mayEdit} onAction={(action) => setChosen({ name: user.name, action })} />
        )} />
      {creating && <NewUser domain={domain} onClose={() => setCreating(false)} />}
      {chosen && <Chosen domain={domain} {...chosen} onClose={() => setChosen(null)} />}
    </Stack>
  );
}

type ChosenProps = { domain: string; name: string; action: UserAction; onClose: () => void };

function Chosen({ domain, name, action, onClose }: ChosenProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  if (action === 'edit') return <EditUser domain={domain} name={name} onClose={onClose} />;
  if (action === 'password') return <NewPassword domain={domain} name={name} onClose={onClose} />;
  const remove = async () => {
    const path = { d: domain, name };
    const { etag } = await taken(api.GET('/domains/{d}/users/{name}', { params: { path } }));
    await taken(api.DELETE('/domains/{d}/users/{name}', { params: { path, header: { 'If-Match': etag } } }));
  };
  const done = () => {
    void queries.invalidateQueries({ queryKey: ['users', domain] });
    onClose();
  };
  return <ConfirmDelete what={name} text={t('users.deleteHint')} onDelete={remove} onDone={done} onClose={onClose} />;
}
