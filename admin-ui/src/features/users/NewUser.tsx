import { Alert, Button, Code, CopyButton, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Problem } from '../../api/problem';

/** Makes a user, then shows its SIP credentials, which the server tells only now. */
export function NewUser({ domain }: { domain: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [opened, setOpened] = useState(false);
  const [name, setName] = useState('');
  const [displayName, setDisplayName] = useState('');
  const create = useMutation({
    mutationFn: async () => {
      const body = { name: name.trim(), display_name: displayName.trim() };
      return (await taken(api.POST('/domains/{d}/users', { params: { path: { d: domain } }, body }))).data;
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users', domain] }),
  });
  const open = () => {
    create.reset();
    setName('');
    setDisplayName('');
    setOpened(true);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  const fields = create.error instanceof Problem ? create.error.fields : {};
  const general = create.error && Object.keys(fields).length === 0 ? create.error : null;
  return (
    <>
      <Button onClick={open}>{t('users.new')}</Button>
      <Modal opened={opened} onClose={() => setOpened(false)} title={t('users.new')} closeOnClickOutside={false}
        closeButtonProps={{ 'aria-label': t('users.close') }}>
        {create.data ? (
          <Credentials sip={create.data.sip} onClose={() => setOpened(false)} />
        ) : (
          <form onSubmit={submit}>
            <Stack>
              {general && (
                <Alert color="red" role="alert">{general instanceof Problem ? general.detail : t('error.network')}</Alert>
              )}
              <TextInput label={t('users.name')} description={t('users.nameHint')} value={name} required data-autofocus
                error={fields['name']} onChange={(event) => setName(event.currentTarget.value)} />
              <TextInput label={t('users.displayName')} value={displayName} error={fields['display_name']}
                onChange={(event) => setDisplayName(event.currentTarget.value)} />
              <Button type="submit" loading={create.isPending}>{t('users.create')}</Button>
            </Stack>
          </form>
        )}
      </Modal>
    </>
  );
}

function Credentials({ sip, onClose }: { sip: Schemas['Sip']; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Alert color="yellow">{t('users.once')}</Alert>
      <Text size="sm">{t('users.sipUser')}: <Code>{sip.user}</Code></Text>
      <Text size="sm">{t('users.sipDomain')}: <Code>{sip.domain}</Code></Text>
      <Group gap="xs">
        <Text size="sm">{t('login.password')}: <Code>{sip.password}</Code></Text>
        <CopyButton value={sip.password}>
          {({ copied, copy }) => (
            <Button size="compact-xs" variant="default" onClick={copy}>{t(copied ? 'users.copied' : 'users.copy')}</Button>
          )}
        </CopyButton>
      </Group>
      <Button onClick={onClose}>{t('users.close')}</Button>
    </Stack>
  );
}
