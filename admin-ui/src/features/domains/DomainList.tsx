import { Anchor, Badge, Button, Group, Stack, Table, TextInput } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';

import type { Schemas } from '../../api/client';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { RowActions } from '../../components/RowActions';
import { When } from '../../components/When';
import { Plots } from '../dashboard/Plots';
import { DeleteDomain } from './DeleteDomain';
import { ImportDomain } from './ImportDomain';
import { NewDomain } from './NewDomain';
import { domainsQuery } from './queries';

export function DomainList() {
  const { t } = useTranslation();
  const [search, setSearch] = useState('');
  const [creating, setCreating] = useState(false);
  const [importing, setImporting] = useState(false);
  const [deleting, setDeleting] = useState('');
  const domains = useQuery(domainsQuery());
  const q = search.trim().toLowerCase();
  const items = (domains.data ?? []).filter(({ name, realm }) => name.includes(q) || realm.toLowerCase().includes(q));
  return (
    <Stack>
      <PageHeader title={t('domains.title')} text={t('domains.text')}>
        <Button variant="default" leftSection={<IconUpload size={16} aria-hidden />} onClick={() => setImporting(true)}>
          {t('domains.import')}
        </Button>
        <Button onClick={() => setCreating(true)}>{t('domains.new')}</Button>
      </PageHeader>
      <TextInput type="search" label={t('common.search')} value={search} maw={360}
        onChange={(event) => setSearch(event.currentTarget.value)} />
      <Listing label={t('domains.title')} query={domains} empty={t(q ? 'domains.noneFound' : 'domains.empty')} items={items}
        columns={[t('domains.name'), t('domains.timeZone'), t('domains.createdAt'), t('common.actions')]}
        row={(domain) => <Row key={domain.name} domain={domain} onDelete={() => setDeleting(domain.name)} />} />
      <Plots />
      {creating && <NewDomain onClose={() => setCreating(false)} />}
      {importing && <ImportDomain onClose={() => setImporting(false)} />}
      {deleting && <DeleteDomain name={deleting} onClose={() => setDeleting('')} />}
    </Stack>
  );
}

function Row({ domain, onDelete }: { domain: Schemas['Domain']; onDelete: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const path = `/domains/${encodeURIComponent(domain.name)}`;
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap="xs">
          <Anchor inherit component={Link} to={path}>{domain.name}</Anchor>
          {domain.blocked && <Badge color="red.9" size="sm">{t('domains.blocked')}</Badge>}
        </Group>
      </Table.Td>
      <Table.Td>{domain.time_zone}</Table.Td>
      <Table.Td><When at={domain.created_at} /></Table.Td>
      <Table.Td>
        <RowActions of={domain.name} actions={[
          { label: t('common.edit'), onClick: () => void navigate(`${path}/settings`) },
          { label: t('common.delete'), onClick: onDelete },
        ]} />
      </Table.Td>
    </Table.Tr>
  );
}
