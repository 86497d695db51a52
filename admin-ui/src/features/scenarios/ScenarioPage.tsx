import { Anchor, Button, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';

import { api, type Schemas, taken } from '../../api/client';
import { hasStatus } from '../../api/problem';
import { NotFound } from '../../app/NotFound';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { RowActions } from '../../components/RowActions';
import { When } from '../../components/When';
import { useFormat } from '../../lib/useFormat';
import { useMayEdit } from '../session/useMayEdit';
import { UploadVersion } from './UploadVersion';
import { useVersions } from './useScenarios';

const COLUMNS = ['version', 'uploaded', 'size', 'note', 'signed', 'numbers'] as const;

/** One scenario: its versions, newest first, and the numbers that start each. */
export function ScenarioPage() {
  const { t } = useTranslation();
  const { domain = '', scenario = '' } = useParams();
  const mayEdit = useMayEdit();
  const versions = useVersions(domain, scenario);
  const [uploading, setUploading] = useState(false);
  const [removing, setRemoving] = useState<string | null>(null);
  if (hasStatus(versions.error, 404)) return <NotFound />;
  const columns = [...COLUMNS.map((column) => t(`scenarios.${column}`)), ...(mayEdit ? [t('common.actions')] : [])];
  const base = `/domains/${encodeURIComponent(domain)}`;
  return (
    <Stack>
      <PageHeader title={scenario} above={[{ label: t('scenarios.title'), to: `${base}/scenarios` }]}>
        {mayEdit && <Button onClick={() => setUploading(true)}>{t('scenarios.newVersion')}</Button>}
      </PageHeader>
      <Listing label={t('scenarios.versions')} columns={columns} query={versions} items={versions.data ?? []} empty={t('scenarios.noVersions')}
        row={(version) => (
          <VersionRow key={version.hash} base={base} version={version} mayEdit={mayEdit} onRemove={() => setRemoving(version.hash)} />
        )} />
      {uploading && <UploadVersion domain={domain} name={scenario} onClose={() => setUploading(false)} />}
      {removing !== null && <RemoveVersion domain={domain} name={scenario} hash={removing} onClose={() => setRemoving(null)} />}
    </Stack>
  );
}

type RowProps = { base: string; version: Schemas['ScenarioVersion']; mayEdit: boolean; onRemove: () => void };

function VersionRow({ base, version, mayEdit, onRemove }: RowProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const { hash, numbers, signed_by: signer } = version;
  return (
    <Table.Tr>
      <Table.Td><Text span size="sm" ff="monospace" title={hash}>{hash.slice(0, 8)}</Text></Table.Td>
      <Table.Td><When at={version.uploaded_at} /></Table.Td>
      <Table.Td>{format.bytes(version.size_bytes)}</Table.Td>
      <Table.Td>{version.note || '–'}</Table.Td>
      <Table.Td>{signer ? <Text span size="sm" ff="monospace" title={signer}>{signer.slice(0, 12)}…</Text> : '–'}</Table.Td>
      <Table.Td>
        {numbers.length === 0 && '–'}
        {numbers.map((number, index) => (
          <span key={number}>
            {index > 0 && ', '}
            <Anchor component={Link} size="sm" to={`${base}/numbers/${encodeURIComponent(number)}`}>{number}</Anchor>
          </span>
        ))}
      </Table.Td>
      {mayEdit && (
        <Table.Td>
          <RowActions of={hash.slice(0, 8)} actions={[{ label: t('common.delete'), onClick: onRemove, disabled: numbers.length > 0 }]} />
        </Table.Td>
      )}
    </Table.Tr>
  );
}

type RemoveProps = { domain: string; name: string; hash: string; onClose: () => void };

function RemoveVersion({ domain, name, hash, onClose }: RemoveProps) {
  const { t } = useTranslation();
  const params = { path: { domain, name, hash } };
  const remove = () => taken(api.DELETE('/domains/{domain}/scenarios/{name}/versions/{hash}', { params }));
  return (
    <ConfirmDelete what={`${name} ${hash.slice(0, 8)}`} text={t('scenarios.deleteHint')} onDelete={remove}
      stale={[['versions', domain, name], ['scenarios', domain]]} onClose={onClose} />
  );
}
