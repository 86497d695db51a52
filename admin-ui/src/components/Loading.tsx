import { Alert, Button, Skeleton, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { words } from './Failure';

/** The room of what is on its way. */
export function Loading({ h }: { h: number }) {
  const { t } = useTranslation();
  return <Skeleton h={h} role="status" aria-label={t('common.loading')} />;
}

/** Why it did not come. */
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
