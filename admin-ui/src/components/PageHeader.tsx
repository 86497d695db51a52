import { Anchor, Breadcrumbs, Group, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { useTitle } from '../app/useTitle';

type Props = { title: string; text?: string; above?: { label: string; to: string }[]; children?: ReactNode };

/** The page's title, also in the document; the pages above it; what can be done here, on the right. */
export function PageHeader({ title, text, above = [], children }: Props) {
  const { t } = useTranslation();
  useTitle(title);
  return (
    <Stack gap={4}>
      {above.length > 0 && (
        <Breadcrumbs component="nav" aria-label={t('shell.path')}>
          {above.map(({ label, to }) => <Anchor key={to} component={Link} to={to} size="sm">{label}</Anchor>)}
          <Text size="sm" c="dimmed" aria-current="page">{title}</Text>
        </Breadcrumbs>
      )}
      <Group justify="space-between">
        <Title order={1} size="h2">{title}</Title>
        {children && <Group gap="xs">{children}</Group>}
      </Group>
      {text && <Text c="dimmed" size="sm" maw={720}>{text}</Text>}
    </Stack>
  );
}
