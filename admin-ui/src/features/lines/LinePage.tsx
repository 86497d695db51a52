import './lines.css';

import { Anchor, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';

import { hasStatus } from '../../api/problem';
import { NotFound } from '../../app/NotFound';
import { LoadError, Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { readNumber } from '../numbers/readNumber';
import { LineEditor } from './LineEditor';
import { LINE } from './queries';

/** One line: its rules, and what they make of a call. */
export function LinePage() {
  const { t } = useTranslation();
  const { domain = '', number = '' } = useParams();
  // Asked once: what is edited must not change below the hands.
  const read = useQuery({
    queryKey: ['line', domain, number], queryFn: () => readNumber(domain, number), staleTime: Infinity, gcTime: 0,
  });
  if (hasStatus(read.error, 404)) return <NotFound />;
  const base = `/domains/${encodeURIComponent(domain)}`;
  const ofNumber = `${base}/numbers/${encodeURIComponent(number)}`;
  return (
    <Stack>
      <PageHeader title={read.data?.data.title ? `${number} · ${read.data.data.title}` : number}
        above={[{ label: t('lines.title'), to: `${base}/lines` }]}>
        <Anchor component={Link} to={ofNumber} size="sm">{t('lines.versions')}</Anchor>
      </PageHeader>
      {read.isPending && <Loading h={360} />}
      {read.isError && !read.data && <LoadError error={read.error} onRetry={read.refetch} />}
      {read.data && read.data.data.scenario !== LINE && (
        <Text>{t('lines.noLine', { scenario: read.data.data.scenario })}</Text>
      )}
      {read.data?.data.scenario === LINE && (
        <LineEditor key={number} domain={domain} first={read.data} onSaved={() => void read.refetch()} />
      )}
    </Stack>
  );
}
