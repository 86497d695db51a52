import { Button, Stack, TextInput, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { fieldsOf } from '../../components/Failure';
import { LoadError, Loading } from '../../components/Loading';
import { SaveProblem } from '../../components/SaveProblem';
import { inPlace } from '../../lib/inPlace';
import { type Read, useSaving } from '../../lib/useSaving';
import { numbersOf } from './numbers';
import { Phones } from './Phones';

type Props = { domain: string; name: string; onClose: () => void };

function read(domain: string, name: string): Promise<Read<Schemas['User']>> {
  return taken(api.GET('/domains/{domain}/users/{name}', { params: { path: { domain, name } } }));
}

export function EditUser({ domain, name, onClose }: Props) {
  const { t } = useTranslation();
  // Asked once: what is typed must not change below the hands.
  const user = useQuery({ queryKey: ['user', domain, name], queryFn: () => read(domain, name), staleTime: Infinity, gcTime: 0 });
  return (
    <Dialog opened onClose={onClose} title={t('users.edit', { name })} size="lg">
      {user.isPending && <Loading h={160} />}
      {user.isError && <LoadError error={user.error} onRetry={user.refetch} />}
      {user.data && <Form domain={domain} first={user.data} onClose={onClose} />}
      <Title order={3} size="h5" mt="lg" mb="xs">{t('users.phones')}</Title>
      <Phones domain={domain} name={name} />
    </Dialog>
  );
}

function Form({ domain, first, onClose }: { domain: string; first: Read<Schemas['User']>; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [displayName, setDisplayName] = useState(first.data.display_name);
  const [numbers, setNumbers] = useState(first.data.numbers.join(', '));
  const { name } = first.data;
  const saving = useSaving({
    first,
    read: () => read(domain, name),
    save: (etag) => {
      const params = { path: { domain, name }, header: { 'If-Match': etag } };
      const body = { display_name: displayName.trim(), numbers: numbersOf(numbers) };
      return taken(api.PATCH('/domains/{domain}/users/{name}', { params, body }));
    },
    onSaved: () => {
      void queries.invalidateQueries({ queryKey: ['users', domain] });
      onClose();
    },
    onTheirs: (theirs) => {
      setDisplayName(theirs.display_name);
      setNumbers(theirs.numbers.join(', '));
    },
  });
  const differences = () => [
    { label: t('users.displayName'), mine: displayName, theirs: saving.conflict?.data.display_name ?? '' },
    { label: t('users.numbers'), mine: numbers, theirs: saving.conflict?.data.numbers.join(', ') ?? '' },
  ];
  const fields = fieldsOf(saving.error);
  return (
    <form onSubmit={inPlace(saving.submit)}>
      <Stack>
        <SaveProblem saving={saving} shown={['display_name', 'numbers']} differences={differences} />
        <TextInput label={t('users.displayName')} value={displayName} error={fields['display_name']} data-autofocus
          onChange={(event) => setDisplayName(event.currentTarget.value)} />
        <TextInput label={t('users.numbers')} description={t('users.numbersHint')} value={numbers}
          error={fields['numbers']} onChange={(event) => setNumbers(event.currentTarget.value)} />
        <Button type="submit" loading={saving.isPending}>{t('common.save')}</Button>
      </Stack>
    </form>
  );
}
