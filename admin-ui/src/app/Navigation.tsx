import { NavLink, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link, useLocation, useParams } from 'react-router';

import { useSession } from '../features/session/SessionProvider';
import { type Entry, ofDomain, ofSystem } from './navigation';

/** Links to the pages that the account's role may see. */
export function Navigation({ onFollow }: { onFollow: () => void }) {
  const { t } = useTranslation();
  const { domain } = useParams();
  const { role } = useSession().session.account;
  const { pathname } = useLocation();
  const base = domain ? `/domains/${encodeURIComponent(domain)}` : '';
  const groups = (domain ? ofDomain : ofSystem)
    .map(({ label, entries }) => ({ label, entries: entries.filter(({ roles }) => roles.includes(role)) }))
    .filter(({ entries }) => entries.length > 0);
  const here = (to: string, { path }: Entry) => pathname === to || (path !== '' && pathname.startsWith(`${to}/`));
  return (
    <Stack gap="xs">
      {groups.map(({ label, entries }) => (
        <div key={label} role="group" aria-label={t(label)}>
          <Text size="xs" c="dimmed" fw={600} px="sm" pb={2} aria-hidden>{t(label)}</Text>
          {entries.map((entry) => {
            const to = `${base}/${entry.path}`.replace(/(.)\/$/, '$1');
            return (
              <NavLink key={entry.path} component={Link} to={to} active={here(to, entry)} onClick={onFollow}
                aria-current={here(to, entry) ? 'page' : undefined}
                label={t(entry.label)} leftSection={<entry.icon size={18} aria-hidden />} />
            );
          })}
        </div>
      ))}
    </Stack>
  );
}
