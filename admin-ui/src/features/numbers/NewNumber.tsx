import { Button, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { api, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { changeOf, EMPTY, isSound } from './draft';
import { NumberFields, SHOWN } from './NumberFields';

/** Makes a number, then shows its page. */
export function NewNumber({ domain, onClose }: { domain: string; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [number, setNumber] = useState('');
  const [draft, setDraft] = useState(EMPTY);
  const create = useMutation({
    mutationFn: () => {
      const body = { ...changeOf(EMPTY, draft), number: number.trim(), title: draft.title.trim(), scenario: draft.scenario };
      return taken(api.POST('/domains/{domain}/numbers', { params: { path: { domain } }, body }));
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['numbers', domain] });
      void navigate(`/domains/${encodeURIComponent(domain)}/numbers/${encodeURIComponent(number.trim())}`);
    },
  });
  const fields = fieldsOf(create.error);
  return (
    <Dialog opened onClose={onClose} title={t('numbers.new')} size="lg">
      <form onSubmit={inPlace(() => isSound(draft) && create.mutate())}>
        <Stack>
          <Failure error={create.error} shown={SHOWN} />
          <TextInput label={t('numbers.number')} description={t('numbers.numberHint')} value={number} required data-autofocus
            error={fields['number']} onChange={(event) => setNumber(event.currentTarget.value)} />
          <NumberFields domain={domain} draft={draft} fields={fields} onChange={(change) => setDraft({ ...draft, ...change })} />
          <Button type="submit" loading={create.isPending} disabled={!draft.scenario}>{t('common.create')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}
