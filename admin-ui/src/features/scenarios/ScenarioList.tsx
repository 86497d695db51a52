import { Anchor, Button, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';

import type { Schemas } from '../../api/client';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { RowActions } from '../../components/RowActions';
import { When } from '../../components/When';
import { useMayEdit } from '../session/useMayEdit';
import { UploadVersion } from './UploadVersion';
import { useScenarios } from './useScenarios';

const COLUMNS = ['name', 'versions', 'newest', 'note', 'uploaded'] as const;

/** The domain's scenarios: programs and published flows that calls run. */
export function ScenarioList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const mayEdit = useMayEdit();
  const scenarios = useScenarios(domain);
  const [uploading, setUploading] = useState<string | null>(null);
  const columns = [...COLUMNS.map((column) => t(`scenarios.${column}`)), ...(mayEdit ? [t('common.actions')] : [])];
  return (
    <Stack>
      <PageHeader title={t('scenarios.title')} text={t('scenarios.about')}>
        {mayEdit && <Button onClick={() => setUploading('')}>{t('scenarios.upload')}</Button>}
      </PageHeader>
      <Listing label={t('scenarios.title')} columns={columns} query={scenarios} items={scenarios.data ?? []} empty={t('scenarios.empty')}
        row={(scenario) => <ScenarioRow key={scenario.name} scenario={scenario} mayEdit={mayEdit} onUpload={() => setUploading(scenario.name)} />} />
      {uploading !== null && <UploadVersion domain={domain} name={uploading} onClose={() => setUploading(null)} />}
    </Stack>
  );
}

type RowProps = { scenario: Schemas['Scenario']; mayEdit: boolean; onUpload: () => void };

function ScenarioRow({ scenario: { name, versions, newest }, mayEdit, onUpload }: RowProps) {
  const { t } = useTranslation();
  return (
    <Table.Tr>
      <Table.Td><Anchor component={Link} to={encodeURIComponent(name)} size="sm">{name}</Anchor></Table.Td>
      <Table.Td>{versions}</Table.Td>
      <Table.Td><Text span size="sm" ff="monospace" title={newest.hash}>{newest.hash.slice(0, 8)}</Text></Table.Td>
      <Table.Td>{newest.note || '–'}</Table.Td>
      <Table.Td><When at={newest.uploaded_at} /></Table.Td>
      {mayEdit && <Table.Td><RowActions of={name} actions={[{ label: t('scenarios.newVersion'), onClick: onUpload }]} /></Table.Td>}
    </Table.Tr>
  );
}
