import { Alert, Button, Checkbox, Fieldset, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Copied } from '../../components/Copied';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { scopes } from './scopes';

type Scope = Schemas['TokenScope'];

const ALL = scopes.flatMap(({ scopes: ofThis }) => ofThis);
const DAY_S = 86_400;
const LASTS = ['30', '90', '365', 'ever'];

/** Makes a token, then shows its text, which the server tells only now. */
export function NewToken({ domain, onClose }: { domain: string; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<Scope[]>([]);
  const [lasts, setLasts] = useState('90');
  const create = useMutation({
    mutationFn: async () => {
      const body = { name: name.trim(), scopes: chosen, ...(lasts === 'ever' ? {} : { expires_in_s: Number(lasts) * DAY_S }) };
      return (await taken(api.POST('/domains/{domain}/tokens', { params: { path: { domain } }, body }))).data;
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['tokens', domain] }),
  });
  const fields = fieldsOf(create.error);
  return (
    <Dialog opened onClose={onClose} title={t('tokens.new')} size="lg">
      {create.data ? (
        <Made name={create.data.name} token={create.data.token} onClose={onClose} />
      ) : (
        <form onSubmit={inPlace(create.mutate)}>
          <Stack>
            <Failure error={create.error} shown={['name', 'scopes', 'expires_in_s']} />
            <TextInput label={t('tokens.name')} description={t('tokens.nameHint')} value={name} required data-autofocus
              error={fields['name']} onChange={(event) => setName(event.currentTarget.value)} />
            <Scopes value={chosen} onChange={setChosen} error={fields['scopes']} />
            <Select label={t('tokens.lasts')} value={lasts} allowDeselect={false} error={fields['expires_in_s']}
              data={LASTS.map((value) => ({ value, label: t(value === 'ever' ? 'tokens.ever' : 'tokens.days', { count: Number(value) || 0 }) }))}
              onChange={(value) => value && setLasts(value)} />
            <Button type="submit" loading={create.isPending} disabled={chosen.length === 0}>{t('common.create')}</Button>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}

type ScopesProps = { value: Scope[]; onChange: (scopes: Scope[]) => void; error: string | undefined };

function Scopes({ value, onChange, error }: ScopesProps) {
  const { t } = useTranslation();
  return (
    <Checkbox.Group label={t('tokens.scopes')} description={t('tokens.scopesHint')}
      value={value} onChange={(chosen) => onChange(ALL.filter((scope) => chosen.includes(scope)))} error={error} required>
      <Stack gap="xs" mt="xs">
        {scopes.map(({ label, scopes: ofThis }) => (
          <Fieldset key={label} legend={t(`scope.${label}`)} py={6}>
            <Stack gap={8}>
              {ofThis.map((scope) => (
                <Checkbox key={scope} value={scope} label={scope} description={t(`scope.${scope.replace(':', '-')}`)} />
              ))}
            </Stack>
          </Fieldset>
        ))}
        {value.includes('domain:write') && <Alert color="yellow">{t('tokens.powerful')}</Alert>}
      </Stack>
    </Checkbox.Group>
  );
}

function Made({ name, token, onClose }: { name: string; token: string; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Alert color="yellow">{t('tokens.once')}</Alert>
      <Copied label={name} value={token} />
      <Text size="sm">{t('tokens.use')}</Text>
      <Copied label={t('tokens.example')} value={`curl -H 'Authorization: Bearer ${token}' ${location.origin}/api/v1/users`} />
      <Button onClick={onClose}>{t('common.close')}</Button>
    </Stack>
  );
}
