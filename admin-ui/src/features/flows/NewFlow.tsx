import { Alert, Button, FileInput, List, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { api, taken } from '../../api/client';
import { hasStatus } from '../../api/problem';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { type Origin, readOrigin, Unreadable } from './origin';

export type { Origin } from './origin';

/** Makes a flow: an empty one, a copy of another, or what a file holds. Then it is edited. */
export function NewFlow({ domain, origin, onClose }: { domain: string; origin: Origin; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(origin.from === 'flow' ? `${origin.name}-2` : '');
  const [title, setTitle] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const create = useMutation({
    mutationFn: async () => {
      const body = await readOrigin(domain, origin, { title: title.trim() || name.trim(), file });
      const params = { path: { domain, name: name.trim() }, header: { 'If-None-Match': '*' as const } };
      return taken(api.PUT('/domains/{domain}/flows/{name}', { params, body }));
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['flows', domain] });
      void navigate(`/domains/${encodeURIComponent(domain)}/flows/${encodeURIComponent(name.trim())}`);
    },
  });
  const choose = (chosen: File | null) => {
    setFile(chosen);
    if (chosen && !name) setName(chosen.name.replace(/\.json$/i, '').replace(/[^A-Za-z0-9_.-]+/g, '-'));
    create.reset();
  };
  const taken412 = hasStatus(create.error, 409, 412);
  const titles = { nothing: t('flows.new'), file: t('flows.import'), flow: t('flows.duplicateOf', { name: origin.from === 'flow' ? origin.name : '' }) };
  return (
    <Dialog opened onClose={onClose} title={titles[origin.from]}>
      <form onSubmit={inPlace(create.mutate)}>
        <Stack>
          {create.error instanceof Unreadable ? <FileProblems problems={create.error.problems} /> : !taken412 && <Failure error={create.error} shown={['name']} />}
          {origin.from === 'file' && (
            <FileInput label={t('flows.file')} accept="application/json,.json" required value={file} onChange={choose} placeholder={t('common.chooseFile')} />
          )}
          <TextInput label={t('flows.name')} description={t('scenarios.nameHint')} value={name} required maxLength={128} pattern="[A-Za-z0-9_.\-]+"
            data-autofocus={origin.from !== 'file' || undefined} error={taken412 ? t('flows.taken') : fieldsOf(create.error)['name']}
            onChange={(event) => setName(event.currentTarget.value)} />
          {origin.from === 'nothing' && (
            <TextInput label={t('flows.flowTitle')} value={title} maxLength={128} onChange={(event) => setTitle(event.currentTarget.value)} />
          )}
          <Button type="submit" loading={create.isPending} disabled={origin.from === 'file' && !file}>{t('common.create')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}

/** What is wrong with a file, place by place. */
function FileProblems({ problems }: { problems: { path: string; detail: string }[] }) {
  const { t } = useTranslation();
  return (
    <Alert color="red" role="alert" title={t('flows.unreadable')}>
      <List size="sm" spacing={4}>
        {problems.slice(0, 20).map(({ path, detail }, index) => <List.Item key={index}><code>{path}</code> {detail}</List.Item>)}
      </List>
    </Alert>
  );
}
