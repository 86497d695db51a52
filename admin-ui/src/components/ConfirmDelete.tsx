import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { Dialog } from './Dialog';
import { Failure } from './Failure';

type Props = { what: string; text: string; onDelete: () => Promise<unknown>; onDone: () => void; onClose: () => void };

/** Asks before something is deleted for good. */
export function ConfirmDelete({ what, text, onDelete, onDone, onClose }: Props) {
  const { t } = useTranslation();
  const remove = useMutation({ mutationFn: onDelete, onSuccess: onDone });
  return (
    <Dialog opened onClose={onClose} title={t('common.deleteWhat', { what })}>
      <Stack>
        <Failure error={remove.error} />
        <Text size="sm">{text}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>{t('common.cancel')}</Button>
          <Button color="red.9" loading={remove.isPending} onClick={() => remove.mutate()}>{t('common.delete')}</Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
