import { Alert, Button, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { words } from './Failure';

export function LoadError({ error, onRetry }: { error: Error; onRetry: () => unknown }) {
  const { t } = useTranslation();
  return (
    <Alert color="red" title={t('error.load')} role="alert">
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{words(error, t)}</Text>
        <Button variant="default" size="xs" onClick={() => onRetry()}>{t('error.retry')}</Button>
      </Stack>
    </Alert>
  );
}
