import { Button, Menu, useMantineColorScheme } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, taken } from '../api/client';
import { words } from '../components/Failure';
import { ChangePassword } from '../features/session/ChangePassword';
import { useSession } from '../features/session/SessionProvider';

// It draws QR codes, which few ever need.
const SecondFactor = lazy(async () => ({ default: (await import('../features/session/SecondFactor')).SecondFactor }));

export function AccountMenu() {
  const { t, i18n } = useTranslation();
  const { session, logOut } = useSession();
  const { setColorScheme } = useMantineColorScheme();
  const [opened, setOpened] = useState<'password' | 'factor' | null>(null);
  const close = () => setOpened(null);
  const failed = (error: Error) => notifications.show({ color: 'red', message: words(error, t) });
  const speak = (language: 'en' | 'ru') => {
    void i18n.changeLanguage(language);
    taken(api.PUT('/session/preferences', { body: { language } })).catch(failed);
  };
  return (
    <>
      {opened === 'password' && <ChangePassword onClose={close} />}
      {opened === 'factor' && <Suspense fallback={null}><SecondFactor onClose={close} /></Suspense>}
      <Menu position="bottom-end" withinPortal={false} withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <Button variant="default" size="xs">{session.account.display_name || session.account.login}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t('account.language')}</Menu.Label>
          <Menu.Item lang="en" onClick={() => speak('en')}>English</Menu.Item>
          <Menu.Item lang="ru" onClick={() => speak('ru')}>Русский</Menu.Item>
          <Menu.Label>{t('account.theme')}</Menu.Label>
          {(['light', 'dark', 'auto'] as const).map((scheme) => (
            <Menu.Item key={scheme} onClick={() => setColorScheme(scheme)}>{t(`account.${scheme}`)}</Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={() => setOpened('password')}>{t('password.title')}</Menu.Item>
          <Menu.Item onClick={() => setOpened('factor')}>{t('factor.title')}</Menu.Item>
          <Menu.Item component="a" href="/api/docs" target="_blank">{t('account.api')}</Menu.Item>
          <Menu.Item onClick={() => logOut().catch(failed)}>{t('account.logOut')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
