import { Button, PasswordInput, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';

/** The account's own password; its other sessions end. */
export function ChangePassword({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const change = useMutation({
    mutationFn: () => taken(api.PUT('/session/password', { body: { old, new: next } })),
    onSuccess: () => {
      notifications.show({ message: t('password.changed') });
      onClose();
    },
  });
  const fields = fieldsOf(change.error);
  const toggle = { 'aria-label': t('login.show') };
  return (
    <Dialog opened onClose={onClose} title={t('password.title')}>
      <form onSubmit={inPlace(() => next === again && change.mutate())}>
        <Stack>
          <Failure error={change.error} shown={['old', 'new']} />
          <PasswordInput label={t('password.old')} value={old} required data-autofocus autoComplete="current-password"
            error={fields['old']} onChange={(e) => setOld(e.currentTarget.value)} visibilityToggleButtonProps={toggle} />
          <PasswordInput label={t('password.new')} value={next} required autoComplete="new-password"
            error={fields['new']} onChange={(e) => setNext(e.currentTarget.value)} visibilityToggleButtonProps={toggle} />
          <PasswordInput label={t('password.again')} value={again} required autoComplete="new-password"
            error={again && again !== next ? t('password.differ') : undefined}
            onChange={(e) => setAgain(e.currentTarget.value)} visibilityToggleButtonProps={toggle} />
          <Button type="submit" loading={change.isPending}>{t('common.save')}</Button>
        </Stack>
      </form>
    </Dialog>
  );
}
