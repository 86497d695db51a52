import { Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { useFormat } from '../../lib/useFormat';
import { usePages } from '../../lib/usePages';
import { AuditRow } from './AuditRow';
import { type Filter, matches, nothing } from './filter';

const ACTIONS = ['create', 'change', 'remove'];
/** Entries of a page; where there is a filter, the server's most, as many of them will not be shown. */
const PAGE = 100;
const PAGE_FILTERED = 1000;

/** Who changed what, the newest first: in a domain, or, outside of any, in the system. */
export function AuditLog() {
  const { t } = useTranslation();
  const format = useFormat();
  const { domain } = useParams();
  const [typed, setFilter] = useState<Filter>(nothing);
  const [filter] = useDebouncedValue(typed, 200);
  const filtered = filter !== nothing && Object.values(filter).some(Boolean);
  const limit = filtered ? PAGE_FILTERED : PAGE;
  const { query, items } = usePages(['audit', domain ?? null, limit], (cursor) => read(domain, { limit, ...cursor }));
  const found = items.filter((entry) => matches(entry, filter));
  const oldest = items.at(-1);
  const more = filtered && query.hasNextPage && oldest;
  return (
    <Stack>
      <PageHeader title={t('audit.title')} text={t(domain ? 'audit.text' : 'audit.systemText')} />
      <Filters value={typed} onChange={setFilter} />
      <Listing label={t('audit.title')} items={found} empty={t(filtered ? 'audit.noneFound' : 'audit.empty')}
        query={more ? { ...query, hasNextPage: false } : query}
        columns={[t('audit.at'), t('audit.who'), t('audit.action'), t('audit.what'), t('audit.details')]}
        row={(entry) => <AuditRow key={entry.id} entry={entry} />} />
      {more && (
        <Group>
          <Text size="sm" c="dimmed">{t('audit.searched', { count: items.length, at: format.moment(oldest.at) })}</Text>
          <Button size="xs" variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t('audit.further')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

async function read(domain: string | undefined, query: { limit: number; cursor?: string }): Promise<{ items: Schemas['AuditEntry'][]; next: string | null }> {
  const page = domain === undefined ? await taken(api.GET('/audit', { params: { query } }))
    : await taken(api.GET('/domains/{domain}/audit', { params: { path: { domain }, query } }));
  return page.data;
}

function Filters({ value, onChange }: { value: Filter; onChange: (filter: Filter) => void }) {
  const { t } = useTranslation();
  return (
    <Group align="flex-end">
      <TextInput type="search" label={t('common.search')} description={t('audit.searchHint')} value={value.text} w={280}
        onChange={(event) => onChange({ ...value, text: event.currentTarget.value })} />
      <Select label={t('audit.action')} value={value.action || null} clearable placeholder={t('audit.all')} w={170}
        data={ACTIONS.map((action) => ({ value: action, label: t(`audit.${action}`) }))}
        clearButtonProps={{ 'aria-label': t('common.clear') }}
        onChange={(action) => onChange({ ...value, action: action ?? '' })} />
      <TextInput type="date" label={t('audit.since')} value={value.since} w={160}
        onChange={(event) => onChange({ ...value, since: event.currentTarget.value })} />
      <TextInput type="date" label={t('audit.until')} value={value.until} w={160}
        onChange={(event) => onChange({ ...value, until: event.currentTarget.value })} />
    </Group>
  );
}
