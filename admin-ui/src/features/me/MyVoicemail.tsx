import { Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { PageHeader } from '../../components/PageHeader';
import { Messages } from '../voicemail/Messages';
import { useMe } from './useMe';

/** One's own messages: what was listened to is heard. */
export function MyVoicemail() {
  const { t } = useTranslation();
  const { domain, user } = useMe();
  return (
    <Stack>
      <PageHeader title={t('me.voicemail')} />
      <Messages domain={domain} box={user} mayEdit own />
    </Stack>
  );
}
