import { Button, Modal, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

interface Props {
  opened: boolean;
  onClose: () => void;
  onTheirs: () => void;
  onOverwrite: () => void;
  onDownload: () => void;
}

/** Someone else saved the flow while it was edited here. */
export function ConflictDialog({ opened, onClose, onTheirs, onOverwrite, onDownload }: Props) {
  const { t } = useTranslation('editor');
  return (
    <Modal opened={opened} onClose={onClose} title={t('conflict.title')} closeButtonProps={{ 'aria-label': t('dialog.close') }}>
      <Stack gap="sm">
        <Text size="sm">{t('conflict.text')}</Text>
        <Button variant="default" onClick={onDownload}>{t('conflict.download')}</Button>
        <Button variant="default" onClick={onTheirs}>{t('conflict.theirs')}</Button>
        <Button color="red.9" onClick={onOverwrite}>{t('conflict.overwrite')}</Button>
        <Button variant="subtle" onClick={onClose}>{t('conflict.later')}</Button>
      </Stack>
    </Modal>
  );
}
