import { Button, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { Credentials } from './Credentials';
import { numbersOf } from './numbers';

/** Makes a user, then shows its SIP credentials, which the server tells only now. */
export function NewUser({ domain, onClose }: { domain: string; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [numbers, setNumbers] = useState('');
  const create = useMutation({
    mutationFn: async () => {
      const body = { name: name.trim(), display_name: displayName.trim(), numbers: numbersOf(numbers) };
      return (await taken(api.POST('/domains/{domain}/users', { params: { path: { domain } }, body }))).data;
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users', domain] }),
  });
  const fields = fieldsOf(create.error);
  return (
    <Dialog opened onClose={onClose} title={t('users.new')}>
      {create.data ? (
        <Credentials sip={create.data.sip} onClose={onClose} />
      ) : (
        <form onSubmit={inPlace(create.mutate)}>
          <Stack>
            <Failure error={create.error} shown={['name', 'display_name', 'numbers']} />
            <TextInput label={t('users.name')} description={t('users.nameHint')} value={name} required data-autofocus
              error={fields['name']} onChange={(event) => setName(event.currentTarget.value)} />
            <TextInput label={t('users.displayName')} value={displayName} error={fields['display_name']}
              onChange={(event) => setDisplayName(event.currentTarget.value)} />
            <TextInput label={t('users.numbers')} description={t('users.numbersHint')} value={numbers}
              error={fields['numbers']} onChange={(event) => setNumbers(event.currentTarget.value)} />
            <Button type="submit" loading={create.isPending}>{t('common.create')}</Button>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}
