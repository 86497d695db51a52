import { Button, Stack, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { api, taken } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { usePages } from '../../lib/usePages';
import { useMayEdit } from '../session/useMayEdit';
import { EditUser } from './EditUser';
import { NewPassword } from './NewPassword';
import { NewUser } from './NewUser';
import { PhonesDialog } from './Phones';
import { UserFiles } from './UserFiles';
import { type UserAction, UserRow } from './UserRow';

export function UserList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const mayEdit = useMayEdit();
  const [search, setSearch] = useState('');
  const [q] = useDebouncedValue(search.trim(), 250);
  const [creating, setCreating] = useState(false);
  const [chosen, setChosen] = useState<{ name: string; action: UserAction } | null>(null);
  const { query, items } = usePages(['users', domain, q], async (cursor) => {
    const params = { path: { domain }, query: { limit: 50, ...(q ? { q } : {}), ...cursor } };
    return (await taken(api.GET('/domains/{domain}/users', { params }))).data;
  });
  const counted = items.some(({ registrations }) => typeof registrations === 'number');
  const columns = ['name', 'displayName', 'numbers', ...(counted ? ['phones'] : [])];
  return (
    <Stack>
      <PageHeader title={t('users.title')}>
        <UserFiles domain={domain} mayEdit={mayEdit} />
        {mayEdit && <Button onClick={() => setCreating(true)}>{t('users.new')}</Button>}
      </PageHeader>
      <TextInput type="search" label={t('common.search')} value={search} maw={360}
        onChange={(event) => setSearch(event.currentTarget.value)} />
      <Listing label={t('users.title')} columns={[...columns.map((column) => t(`users.${column}`)), t('common.actions')]} query={query}
        empty={t(q ? 'users.noneFound' : 'users.empty')} items={items}
        row={(user) => (
          <UserRow key={user.name} user={user} counted={counted} mayEdit={mayEdit} onAction={(action) => setChosen({ name: user.name, action })} />
        )} />
      {creating && <NewUser domain={domain} onClose={() => setCreating(false)} />}
      {chosen && <Chosen domain={domain} {...chosen} onClose={() => setChosen(null)} />}
    </Stack>
  );
}

type ChosenProps = { domain: string; name: string; action: UserAction; onClose: () => void };

function Chosen({ domain, name, action, onClose }: ChosenProps) {
  const { t } = useTranslation();
  if (action === 'edit') return <EditUser domain={domain} name={name} onClose={onClose} />;
  if (action === 'phones') return <PhonesDialog domain={domain} name={name} onClose={onClose} />;
  if (action === 'password') return <NewPassword domain={domain} name={name} onClose={onClose} />;
  const remove = async () => {
    const path = { domain, name };
    const { etag } = await taken(api.GET('/domains/{domain}/users/{name}', { params: { path } }));
    await taken(api.DELETE('/domains/{domain}/users/{name}', { params: { path, header: { 'If-Match': etag } } }));
  };
  return <ConfirmDelete what={name} text={t('users.deleteHint')} onDelete={remove} stale={[['users', domain]]} onClose={onClose} />;
}
