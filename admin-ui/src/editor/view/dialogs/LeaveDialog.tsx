import { Button, Group, Modal, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useBlocker } from 'react-router';

interface Props {
  dirty: boolean;
  save: () => Promise<boolean>;
  /** The changes are given up. */
  onDiscard: () => void;
}

/** Asks before the page is left with changes that are not saved. */
export function LeaveDialog({ dirty, save, onDiscard }: Props) {
  const { t } = useTranslation('editor');
  const blocker = useBlocker(({ currentLocation, nextLocation }) => dirty && currentLocation.pathname !== nextLocation.pathname);
  const stay = () => blocker.reset?.();
  return (
    <Modal opened={blocker.state === 'blocked'} onClose={stay} title={t('leave.title')} closeButtonProps={{ 'aria-label': t('dialog.close') }}>
      <Text size="sm" mb="md">{t('leave.text')}</Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={stay}>{t('leave.stay')}</Button>
        <Button variant="outline" color="red.9" onClick={() => { onDiscard(); blocker.proceed?.(); }}>{t('leave.discard')}</Button>
        <Button onClick={() => void save().then((saved) => (saved ? blocker.proceed?.() : stay()))}>{t('leave.save')}</Button>
      </Group>
    </Modal>
  );
}
