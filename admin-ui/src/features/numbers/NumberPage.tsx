import { Grid, Paper, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { hasStatus } from '../../api/problem';
import { NotFound } from '../../app/NotFound';
import { LoadError, Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { EditNumber } from './EditNumber';
import { NumberHistory } from './NumberHistory';
import { readNumber } from './readNumber';
import { Trial } from './Trial';

/** One number: its settings, the version that is tried on it, and what was done to it. */
export function NumberPage() {
  const { t } = useTranslation();
  const { domain = '', number = '' } = useParams();
  const read = useQuery({ queryKey: ['number', domain, number], queryFn: () => readNumber(domain, number) });
  if (hasStatus(read.error, 404)) return <NotFound />;
  const above = [{ label: t('numbers.title'), to: `/domains/${encodeURIComponent(domain)}/numbers` }];
  return (
    <Stack>
      <PageHeader title={number} above={above} />
      {read.isPending && <Loading h={360} />}
      {read.isError && !read.data && <LoadError error={read.error} onRetry={read.refetch} />}
      {read.data && (
        <Grid gutter="md">
          <Grid.Col span={{ base: 12, lg: 7 }}>
            <Paper withBorder p="md" component="section">
              <Title order={2} size="h5" mb="sm">{t('numbers.what')}</Title>
              <EditNumber key={number} domain={domain} read={read.data} />
            </Paper>
          </Grid.Col>
          <Grid.Col span={{ base: 12, lg: 5 }}>
            <Stack>
              <Trial domain={domain} read={read.data} />
              <NumberHistory domain={domain} number={number} />
            </Stack>
          </Grid.Col>
        </Grid>
      )}
    </Stack>
  );
}
