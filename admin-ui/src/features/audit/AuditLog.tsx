import { Button, Group, Select, Stack, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { usePages } from '../../lib/usePages';
import { AuditRow } from './AuditRow';
import { type Filter, nothing, queryOf } from './filter';

const ACTIONS = ['create', 'change', 'remove', 'publish', 'export'];
const PAGE = 100;

/** Who changed what, the newest first: in a domain, or, outside of any, in the system. */
export function AuditLog() {
  const { t } = useTranslation();
  const { domain } = useParams();
  const [typed, setFilter] = useState<Filter>(nothing);
  const [filter] = useDebouncedValue(typed, 300);
  const asked = queryOf(filter);
  const filtered = Object.keys(asked).length > 0;
  const { query, items } = usePages(['audit', domain ?? null, asked], (cursor) => read(domain, { limit: PAGE, ...asked, ...cursor }));
  return (
    <Stack>
      <PageHeader title={t('audit.title')} text={t(domain ? 'audit.text' : 'audit.systemText')} />
      <Filters value={typed} onChange={setFilter} />
      <Listing label={t('audit.title')} items={items} empty={t(filtered ? 'audit.noneFound' : 'audit.empty')} query={query}
        columns={[t('audit.at'), t('audit.who'), t('audit.action'), t('audit.what'), t('audit.details')]}
        row={(entry) => <AuditRow key={entry.id} entry={entry} />} />
      {/* A page of a filtered log may be empty, and be followed by others. */}
      {items.length === 0 && query.hasNextPage && (
        <Group>
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
      <TextInput type="search" label={t('audit.who')} placeholder={t('audit.whoHint')} value={value.who} w={220}
        onChange={(event) => onChange({ ...value, who: event.currentTarget.value })} />
      <TextInput type="search" label={t('audit.what')} placeholder={t('audit.whatHint')} value={value.what} w={200}
        onChange={(event) => onChange({ ...value, what: event.currentTarget.value })} />
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
