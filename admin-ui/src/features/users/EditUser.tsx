import { Button, Skeleton, Stack, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Problem } from '../../api/problem';
import { Conflict } from '../../components/Conflict';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { LoadError } from '../../components/LoadError';
import { numbersOf } from './numbers';

type Props = { domain: string; name: string; onClose: () => void };
type Read = { data: Schemas['User']; etag: string };

function read(d: string, name: string): Promise<Read> {
  return taken(api.GET('/domains/{d}/users/{name}', { params: { path: { d, name } } }));
}

export function EditUser({ domain, name, onClose }: Props) {
  const { t } = useTranslation();
  // Asked once: what is typed must not change below the hands.
  const user = useQuery({ queryKey: ['user', domain, name], queryFn: () => read(domain, name), staleTime: Infinity, gcTime: 0 });
  return (
    <Dialog opened onClose={onClose} title={t('users.edit', { name })}>
      {user.isPending && <Skeleton h={160} />}
      {user.isError && <LoadError error={user.error} onRetry={user.refetch} />}
      {user.data && <Form domain={domain} first={user.data} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ domain, first, onClose }: { domain: string; first: Read; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [displayName, setDisplayName] = useState(first.data.display_name);
  const [numbers, setNumbers] = useState(first.data.numbers.join(', '));
  const [theirs, setTheirs] = useState<Read | null>(null);
  const { name } = first.data;
  const save = useMutation({
    mutationFn: (etag: string) => {
      const params = { path: { d: domain, name }, header: { 'If-Match': etag } };
      const body = { display_name: displayName.trim(), numbers: numbersOf(numbers) };
      return taken(api.PATCH('/domains/{d}/users/{name}', { params, body }));
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['users', domain] });
      onClose();
    },
    onError: async (error) => {
      if (error instanceof Problem && error.status === 412) setTheirs(await read(domain, name));
    },
  });
  const take = ({ data }: Read) => {
    setDisplayName(data.display_name);
    setNumbers(data.numbers.join(', '));
    save.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate((theirs ?? first).etag);
  };
  const fields = fieldsOf(save.error);
  const conflict = save.error instanceof Problem && save.error.status === 412 && theirs;
  return (
    <form onSubmit={submit}>
      <Stack>
        {conflict ? (
          <Conflict onMine={() => save.mutate(theirs.etag)} onTheirs={() => take(theirs)} differences={[
            { label: t('users.displayName'), mine: displayName, theirs: theirs.data.display_name },
            { label: t('users.numbers'), mine: numbers, theirs: theirs.data.numbers.join(', ') },
          ]} />
        ) : (
          <Failure error={save.error} shown={['display_name', 'numbers']} />
        )}
        <TextInput label={t('users.displayName')} value={displayName} error={fields['display_name']} data-autofocus
          onChange={(event) => setDisplayName(event.currentTarget.value)} />
        <TextInput label={t('users.numbers')} description={t('users.numbersHint')} value={numbers}
          error={fields['numbers']} onChange={(event) => setNumbers(event.currentTarget.value)} />
        <Button type="submit" loading={save.isPending}>{t('common.save')}</Button>
      </Stack>
    </form>
  );
}
