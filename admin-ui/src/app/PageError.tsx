import { Alert, Button, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** In place of a page whose code did not load (a newer release is there) or failed. */
export function PageError() {
  const { t } = useTranslation();
  return (
    <Alert color="red" title={t('error.page')} role="alert" m="lg">
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{t('error.pageHint')}</Text>
        <Button variant="default" size="xs" onClick={() => location.reload()}>{t('error.reload')}</Button>
      </Stack>
    </Alert>
  );
}
