import './texts';

import { Button, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ReactFlowProvider } from '@xyflow/react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { hasStatus } from '../api/problem';
import { useTitle } from '../app/useTitle';
import { useWords } from '../components/Failure';
import { Loading } from '../components/Loading';
import { flowApi } from './api';
import type { FlowApi } from './api';
import { emptyDocument, readDocument } from './model/index';
import type { FormProblem } from './model/parse';
import { readDraft } from './state/draft';
import { download } from './view/files';
import { Workspace } from './view/Workspace';
import type { Opened } from './view/Workspace';
import { Notice } from './view/Notice';

export { FlowView } from './view/FlowView';

/** The visual editor of the flow `:name` of `:domain`. */
export default function FlowEditor() {
  const { domain = '', name = '' } = useParams();
  const { t } = useTranslation('editor');
  const words = useWords();
  useTitle(t('flow.page', { name }));
  const api = useMemo(() => flowApi(domain, name), [domain, name]);
  // Read once: a reload in the background would throw away what is edited.
  const once = { staleTime: Infinity, gcTime: 0, refetchOnWindowFocus: false, refetchOnReconnect: false, refetchOnMount: 'always' } as const;
  const flow = useQuery({ queryKey: ['flow-editor', domain, name], queryFn: () => open(api, name), ...once });
  const names = useQuery({ queryKey: ['flow-editor-names', domain], queryFn: () => api.names(), ...once });
  const draft = useMemo(() => readDraft(domain, name), [domain, name]);
  if (flow.isError) return <Failed message={words(flow.error)} onRetry={() => void flow.refetch()} />;
  if (flow.isPending || names.isPending) return <Loading h={480} />;
  const { data } = flow;
  if ('problems' in data) return <Unreadable name={name} raw={data.raw} problems={data.problems} />;
  return (
    <ReactFlowProvider key={`${domain}/${name}`}>
      <Workspace domain={domain} name={name} api={api} opened={data} names={names.data ?? {}} draft={draft} />
    </ReactFlowProvider>
  );
}

type Read = Opened | { raw: unknown; problems: FormProblem[] };

async function open(api: FlowApi, name: string): Promise<Read> {
  try {
    const { raw, etag } = await api.load();
    const read = readDocument(raw);
    return read.ok ? { document: read.value, etag } : { raw, problems: read.problems };
  } catch (error) {
    if (hasStatus(error, 404)) return { document: emptyDocument(name), etag: '' };
    throw error;
  }
}

function Failed({ message, onRetry }: { message: string; onRetry: () => void }) {
  const { t } = useTranslation('editor');
  return (
    <Notice kind="bad" title={t('load.failed')}>
      <Stack align="flex-start">{message}<Button variant="default" onClick={onRetry}>{t('load.retry')}</Button></Stack>
    </Notice>
  );
}

/** What is on the server is no flow of this version: it is not touched, and it can be had as a file. */
function Unreadable({ name, raw, problems }: { name: string; raw: unknown; problems: FormProblem[] }) {
  const { t } = useTranslation('editor');
  return (
    <Notice kind="bad" title={t('load.unreadable')}>
      <ul>{problems.slice(0, 20).map(({ path, detail }, index) => <li key={index}><code>{path}</code> {detail}</li>)}</ul>
      <Button variant="default" onClick={() => download(`${name}.json`, JSON.stringify(raw, null, 2))}>{t('load.download')}</Button>
    </Notice>
  );
}
