import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { Dialog } from './Dialog';
import { Failure } from './Failure';

type Props = {
  what: string; text: string; onDelete: () => Promise<unknown>; onDone: () => void; onClose: () => void;
  /** What must be typed first, where much is lost. */
  typed?: string;
};

/** Asks before something is deleted for good. */
export function ConfirmDelete({ what, text, onDelete, onDone, onClose, typed }: Props) {
  const { t } = useTranslation();
  const [value, setValue] = useState('');
  const remove = useMutation({ mutationFn: onDelete, onSuccess: onDone });
  const sure = typed === undefined || value.trim() === typed;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (sure) remove.mutate();
  };
  return (
    <Dialog opened onClose={onClose} title={t('common.deleteWhat', { what })}>
      <form onSubmit={submit}>
        <Stack>
          <Failure error={remove.error} />
          <Text size="sm">{text}</Text>
          {typed !== undefined && (
            <TextInput label={t('common.typeName', { name: typed })} value={value} autoComplete="off" data-autofocus
              onChange={(event) => setValue(event.currentTarget.value)} />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose} data-autofocus={typed === undefined || undefined}>{t('common.cancel')}</Button>
            <Button type="submit" color="red.9" disabled={!sure} loading={remove.isPending}>{t('common.delete')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
