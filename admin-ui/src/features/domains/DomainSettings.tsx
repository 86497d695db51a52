import { Button, Stack } from '@mantine/core';
import { IconDownload, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';

import { LoadError, Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { useSession } from '../session/SessionProvider';
import { DeleteDomain } from './DeleteDomain';
import { DomainForm } from './DomainForm';
import { ExportDomain } from './ExportDomain';
import { Music } from './Music';
import { readDomain } from './queries';

export function DomainSettings() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const navigate = useNavigate();
  const isSystem = useSession().session.account.role === 'system';
  const [exporting, setExporting] = useState(false);
  const [deleting, setDeleting] = useState(false);
  // Asked once: what is typed must not change below the hands.
  const settings = useQuery({
    queryKey: ['domain', domain], queryFn: () => readDomain(domain), staleTime: Infinity, gcTime: 0,
  });
  return (
    <Stack maw={900}>
      <PageHeader title={t('settings.title')}>
        <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />} onClick={() => setExporting(true)}>
          {t('domains.export')}
        </Button>
        {isSystem && <Button variant="default" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setDeleting(true)}>{t('domains.delete')}</Button>}
      </PageHeader>
      {settings.isPending && <Loading h={360} />}
      {settings.isError && <LoadError error={settings.error} onRetry={settings.refetch} />}
      {settings.data && (
        <DomainForm key={settings.data.etag} first={settings.data} onSaved={() => void settings.refetch()} />
      )}
      <Music domain={domain} />
      {exporting && <ExportDomain name={domain} onClose={() => setExporting(false)} />}
      {deleting && <DeleteDomain name={domain} onClose={() => setDeleting(false)} onDone={() => void navigate('/')} />}
    </Stack>
  );
}
