import { Modal, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { LoginForm } from './LoginForm';

type Props = { opened: boolean; login: string; onSession: (session: Schemas['Session']) => void };

/** Over the page, whose forms keep what was typed. */
export function LoginDialog({ opened, login, onSession }: Props) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={() => undefined} title={t('login.again')} withCloseButton={false} zIndex={500}>
      <Text size="sm" mb="md">{t('login.draft')}</Text>
      <LoginForm login={login} onSession={onSession} />
    </Modal>
  );
}
