import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { LoadError, Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { readSchedule } from './read';
import { ScheduleForm } from './ScheduleForm';

/** One schedule; where there is none of this name, a new one. */
export function EditSchedule() {
  const { t } = useTranslation();
  const { domain = '', name = '' } = useParams();
  // Asked once: what is typed must not change below the hands.
  const schedule = useQuery({
    queryKey: ['schedule', domain, name], queryFn: () => readSchedule(domain, name), staleTime: Infinity, gcTime: 0,
  });
  return (
    <Stack maw={1000}>
      <PageHeader title={name} above={[{ label: t('schedules.title'), to: `/domains/${encodeURIComponent(domain)}/schedules` }]} />
      {schedule.isPending && <Loading h={400} />}
      {schedule.isError && <LoadError error={schedule.error} onRetry={schedule.refetch} />}
      {schedule.data && (
        <ScheduleForm key={schedule.dataUpdatedAt} domain={domain} name={name} first={schedule.data} onSaved={() => void schedule.refetch()} />
      )}
    </Stack>
  );
}
