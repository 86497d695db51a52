import { Alert, Button, Image, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { Copied } from '../../components/Copied';
import { qrPicture } from '../../lib/qr';

/** SIP credentials, which the server tells once: to read, to copy, and as a QR code for a softphone. */
export function Credentials({ sip, onClose }: { sip: Schemas['Sip']; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Alert color="yellow">{t('users.once')}</Alert>
      <Copied label={t('users.sipUser')} value={sip.user} />
      <Copied label={t('users.sipDomain')} value={sip.domain} />
      <Copied label={t('login.password')} value={sip.password} />
      <Image src={picture(sip)} alt={t('users.qr')} w={180} h={180} mx="auto" />
      <Text size="xs" c="dimmed" ta="center">{t('users.qrHint')}</Text>
      <Button onClick={onClose}>{t('common.close')}</Button>
    </Stack>
  );
}

/** The SIP URI with its password (RFC 3261, 19.1.1) as an image. */
function picture({ user, domain, password }: Schemas['Sip']): string {
  return qrPicture(`sip:${encodeURIComponent(user)}:${encodeURIComponent(password)}@${domain}`);
}
