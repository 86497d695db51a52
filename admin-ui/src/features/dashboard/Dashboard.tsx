import { SimpleGrid, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { PageHeader } from '../../components/PageHeader';
import { FirstSteps } from './FirstSteps';
import { Now } from './Now';
import { Plots } from './Plots';
import { UsageByDay } from './UsageByDay';

/** How a domain does: now, and over the last weeks. */
export function Dashboard() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  return (
    <Stack>
      <PageHeader title={t('dashboard.title')} />
      <FirstSteps domain={domain} />
      <Now domain={domain} />
      <Plots domain={domain} />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <UsageByDay domain={domain} what="calls" />
        <UsageByDay domain={domain} what="scenario-failures" colour="var(--mantine-color-red-7)" />
      </SimpleGrid>
    </Stack>
  );
}
