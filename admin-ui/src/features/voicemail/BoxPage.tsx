import { Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { PageHeader } from '../../components/PageHeader';
import { useMayEdit } from '../session/useMayEdit';
import { Messages } from './Messages';

/** A box, for who administers. */
export function BoxPage() {
  const { t } = useTranslation();
  const { domain = '', box = '' } = useParams();
  const mayEdit = useMayEdit();
  const above = [{ label: t('voicemail.title'), to: `/domains/${encodeURIComponent(domain)}/voicemail` }];
  return (
    <Stack>
      <PageHeader title={t('voicemail.boxTitle', { box })} above={above} />
      <Messages domain={domain} box={box} mayEdit={mayEdit} />
    </Stack>
  );
}
