import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { inPlace } from '../lib/inPlace';
import { Dialog } from './Dialog';
import { Failure } from './Failure';

type Props = {
  what: string; text: string; onDelete: () => Promise<unknown>; onClose: () => void;
  /** What is asked for again once it is gone. */
  stale: QueryKey[];
  /** Instead of closing, once it is gone. */
  onDone?: () => void;
  /** What must be typed first, where much is lost. */
  typed?: string;
};

/** Asks before something is deleted for good. */
export function ConfirmDelete({ what, text, onDelete, onClose, stale, onDone = onClose, typed }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [value, setValue] = useState('');
  const remove = useMutation({
    mutationFn: onDelete,
    onSuccess: () => {
      for (const queryKey of stale) void queries.invalidateQueries({ queryKey });
      onDone();
    },
  });
  const sure = typed === undefined || value.trim() === typed;
  return (
    <Dialog opened onClose={onClose} title={t('common.deleteWhat', { what })}>
      <form onSubmit={inPlace(() => sure && remove.mutate())}>
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
