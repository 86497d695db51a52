import { Button, Menu } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { words } from '../../components/Failure';
import { download } from '../../lib/download';
import { allUsers, template, usersCsv } from './exportUsers';
import { ImportUsers } from './ImportUsers';

/** Users from and to CSV files. */
export function UserFiles({ domain, mayEdit }: { domain: string; mayEdit: boolean }) {
  const { t } = useTranslation();
  const [importing, setImporting] = useState(false);
  const save = useMutation({
    mutationFn: async () => download(`users-${domain}.csv`, usersCsv(await allUsers(domain)), 'text/csv'),
    onError: (error) => notifications.show({ color: 'red', message: words(error, t) }),
  });
  return (
    <>
      {importing && <ImportUsers domain={domain} onClose={() => setImporting(false)} />}
      <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
        <Menu.Target><Button variant="default" loading={save.isPending}>{t('users.csv')}</Button></Menu.Target>
        <Menu.Dropdown>
          {mayEdit && <Menu.Item onClick={() => setImporting(true)}>{t('users.import')}</Menu.Item>}
          <Menu.Item onClick={() => save.mutate()}>{t('users.export')}</Menu.Item>
          {mayEdit && <Menu.Item onClick={() => download('users.csv', template(), 'text/csv')}>{t('users.template')}</Menu.Item>}
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
