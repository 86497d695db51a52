import { Stack, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams, useSearchParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { hasStatus } from '../../api/problem';
import { NotFound } from '../../app/NotFound';
import { LoadError, Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { CallFacts } from './CallFacts';
import { CallLog } from './CallLog';
import { CallTimeline } from './CallTimeline';
import { Decisions } from './Decisions';
import { Legs } from './Legs';
import { Replay } from './Replay';
import { useCallFlow } from './useCallFlow';
import { useSteps } from './useSteps';

const FlowPath = lazy(() => import('./FlowPath'));
const Ladder = lazy(() => import('./ladder/Ladder'));
const Steps = lazy(() => import('./Steps'));

const TABS = ['overview', 'steps', 'flow', 'sip', 'log'] as const;
type Tab = (typeof TABS)[number];

/** One call: what became of it, and how. */
export function CallPage() {
  const { t } = useTranslation();
  const { domain = '', id = '' } = useParams();
  const call = useQuery({
    queryKey: ['call', domain, id],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/calls/{id}', { params: { path: { domain, id } } }))).data,
    staleTime: Infinity,
  });
  if (hasStatus(call.error, 404)) return <NotFound />;
  const title = call.data ? t('call.title', { from: call.data.from_number || '–', to: call.data.to_number }) : t('call.one');
  return (
    <Stack>
      <PageHeader title={title} above={[{ label: t('calls.title'), to: `/domains/${encodeURIComponent(domain)}/calls` }]} />
      {call.isPending && <Loading h={320} />}
      {call.isError && <LoadError error={call.error} onRetry={call.refetch} />}
      {call.data && (
        <>
          <CallFacts domain={domain} call={call.data} />
          <CallTabs domain={domain} call={call.data} />
        </>
      )}
    </Stack>
  );
}

function CallTabs({ domain, call }: { domain: string; call: Schemas['Call'] }) {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const asked = search.get('show') as Tab;
  const flow = useCallFlow(domain, call);
  const steps = useSteps(domain, call);
  const shown = TABS.filter((tab) => (tab !== 'flow' || flow.data) && (tab !== 'steps' && tab !== 'log' || call.scenario));
  const tab = shown.includes(asked) ? asked : 'overview';
  return (
    <Tabs value={tab} keepMounted={false} onChange={(value) => setSearch(value && value !== 'overview' ? { show: value } : {}, { replace: true })}>
      <Tabs.List mb="md">{shown.map((value) => <Tabs.Tab key={value} value={value}>{t(`call.tab.${value}`)}</Tabs.Tab>)}</Tabs.List>
      <Suspense fallback={<Loading h={240} />}>
        <Tabs.Panel value="overview">
          <Stack gap="lg">
            <CallTimeline call={call} steps={steps.data ?? []} />
            <Decisions call={call} steps={steps} />
            <Legs call={call} />
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="steps">
          <Stack>
            <Replay domain={domain} call={call} />
            <Steps steps={steps} />
          </Stack>
        </Tabs.Panel>
        {flow.data && <Tabs.Panel value="flow"><FlowPath read={flow.data} steps={steps} /></Tabs.Panel>}
        <Tabs.Panel value="sip"><Ladder domain={domain} id={call.id} /></Tabs.Panel>
        <Tabs.Panel value="log"><CallLog domain={domain} id={call.id} /></Tabs.Panel>
      </Suspense>
    </Tabs>
  );
}
