import { Button, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { api, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { LINE } from './queries';

/** Makes a line without rules, then shows its table. */
export function NewLine({ domain, onClose }: { domain: string; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [number, setNumber] = useState('');
  const [title, setTitle] = useState('');
  const create = useMutation({
    mutationFn: () => {
      const body = { number: number.trim(), title: title.trim(), scenario: LINE, settings: {} };
      return taken(api.POST('/domains/{domain}/numbers', { params: { path: { domain } }, body }));
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['numbers', domain] });
      void navigate(`/domains/${encodeURIComponent(domain)}/lines/${encodeURIComponent(number.trim())}`);
    },
  });
  const fields = fieldsOf(create.error);
  return (
    <Dialog opened onClose={onClose} title={t('lines.new')}>
      <form onSubmit={inPlace(create.mutate)}>
        <Stack>
          <Failure error={create.error} shown={['number', 'title']} />
          <TextInput label={t('numbers.number')} description={t('lines.numberHint')} value={number} required data-autofocus
            error={fields['number']} onChange={(event) => setNumber(event.currentTarget.value)} />
          <TextInput label={t('numbers.name')} description={t('numbers.nameHint')} value={title} error={fields['title']}
            onChange={(event) => setTitle(event.currentTarget.value)} />
          <Button type="submit" loading={create.isPending}>{t('common.create')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}
