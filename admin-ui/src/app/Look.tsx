import { MantineProvider, mergeThemeOverrides, Notification } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { type ReactNode, useMemo } from 'react';
import { useTranslation } from 'react-i18next';

import { theme, variables } from './theme';

/** Colours, fonts, and what the library's own parts are called in the page's language. */
export function Look({ nonce, children }: { nonce: string; children: ReactNode }) {
  const { t, i18n } = useTranslation();
  const spoken = useMemo(() => mergeThemeOverrides(theme, {
    components: { Notification: Notification.extend({ defaultProps: { closeButtonProps: { 'aria-label': t('common.close') } } }) },
  }), [i18n.language]);
  return (
    <MantineProvider defaultColorScheme="auto" getStyleNonce={() => nonce} theme={spoken} cssVariablesResolver={variables}>
      <Notifications />
      {children}
    </MantineProvider>
  );
}
