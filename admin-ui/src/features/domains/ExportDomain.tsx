import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { Dialog } from '../../components/Dialog';
import { downloadUrl } from '../../lib/download';

/** Says what the file of a domain has and has not, and lets the browser keep it. */
export function ExportDomain({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const keep = () => {
    downloadUrl(`/api/v1/domains/${encodeURIComponent(name)}/export`, `${name}.tar.gz`);
    onClose();
  };
  return (
    <Dialog opened onClose={onClose} title={t('domains.exportTitle', { name })}>
      <Stack>
        <Text size="sm">{t('domains.exportText')}</Text>
        <Text size="sm">{t('domains.exportNot')}</Text>
        <Alert color="yellow">{t('domains.exportSecret')}</Alert>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button onClick={keep} data-autofocus>{t('domains.exportDo')}</Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
