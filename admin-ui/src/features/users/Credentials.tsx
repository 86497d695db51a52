import { Alert, Button, Code, CopyButton, Group, Image, Stack, Text } from '@mantine/core';
import qrcode from 'qrcode-generator';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';

/** SIP credentials, which the server tells once: to read, to copy, and as a QR code for a softphone. */
export function Credentials({ sip, onClose }: { sip: Schemas['Sip']; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Alert color="yellow">{t('users.once')}</Alert>
      <Value label={t('users.sipUser')} value={sip.user} />
      <Value label={t('users.sipDomain')} value={sip.domain} />
      <Value label={t('login.password')} value={sip.password} />
      <Image src={picture(sip)} alt={t('users.qr')} w={180} h={180} mx="auto" />
      <Text size="xs" c="dimmed" ta="center">{t('users.qrHint')}</Text>
      <Button onClick={onClose}>{t('common.close')}</Button>
    </Stack>
  );
}

function Value({ label, value }: { label: string; value: string }) {
  const { t } = useTranslation();
  return (
    <Group gap="xs">
      <Text size="sm">{label}: <Code>{value}</Code></Text>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Button size="compact-xs" variant="default" onClick={copy} aria-label={t('users.copyWhat', { what: label })}>
            {t(copied ? 'users.copied' : 'users.copy')}
          </Button>
        )}
      </CopyButton>
    </Group>
  );
}

/** The SIP URI with its password (RFC 3261, 19.1.1) as an image. */
function picture({ user, domain, password }: Schemas['Sip']): string {
  const code = qrcode(0, 'M');
  code.addData(`sip:${encodeURIComponent(user)}:${encodeURIComponent(password)}@${domain}`);
  code.make();
  return code.createDataURL(5, 20);
}
