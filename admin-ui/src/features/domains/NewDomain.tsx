import { Button, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { api, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { SpokenLanguage } from './SpokenLanguage';
import { TimeZone } from './TimeZone';

/** Makes a domain and goes there. */
export function NewDomain({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [realm, setRealm] = useState('');
  const [zone, setZone] = useState(Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC');
  const [language, setLanguage] = useState(i18n.language);
  const create = useMutation({
    mutationFn: async () => {
      const body = { name: name.trim(), time_zone: zone, language, ...(realm.trim() ? { realm: realm.trim() } : {}) };
      return (await taken(api.POST('/domains', { body }))).data;
    },
    onSuccess: (domain) => {
      void queries.invalidateQueries({ queryKey: ['domains'] });
      void navigate(`/domains/${encodeURIComponent(domain.name)}`);
    },
  });
  const fields = fieldsOf(create.error);
  return (
    <Dialog opened onClose={onClose} title={t('domains.new')}>
      <form onSubmit={inPlace(create.mutate)}>
        <Stack>
          <Failure error={create.error} shown={['name', 'realm', 'time_zone', 'language']} />
          <TextInput label={t('domains.name')} description={t('domains.nameHint')} value={name} required data-autofocus
            error={fields['name']} onChange={(event) => setName(event.currentTarget.value)} />
          <TextInput label={t('domains.realm')} description={t('domains.realmHint')} value={realm}
            error={fields['realm']} onChange={(event) => setRealm(event.currentTarget.value)} />
          <TimeZone value={zone} onChange={setZone} error={fields['time_zone']} />
          <SpokenLanguage value={language} onChange={setLanguage} error={fields['language']} />
          <Button type="submit" loading={create.isPending}>{t('common.create')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}
