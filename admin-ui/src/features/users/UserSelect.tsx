import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, taken } from '../../api/client';

type Props = {
  domain: string; label: string; description: string;
  value: string | null; onChange: (user: string | null) => void; error: string | undefined;
};

/** One of the domain's users; the server searches. */
export function UserSelect({ domain, ...select }: Props) {
  const { t } = useTranslation();
  const [q, setQ] = useState('');
  const users = useQuery({
    queryKey: ['users', domain, 'choose', q],
    queryFn: async () => {
      const query = { limit: 50, ...(q ? { q } : {}) };
      return (await taken(api.GET('/domains/{domain}/users', { params: { path: { domain }, query } }))).data.items;
    },
  });
  const data = (users.data ?? []).map(({ name, display_name: label }) => ({ value: name, label: label ? `${name} – ${label}` : name }));
  return (
    <Select {...select} data={data} searchable required nothingFoundMessage={t('users.noneFound')} filter={({ options }) => options}
      onSearchChange={(text) => setQ(data.some(({ label }) => label === text) ? '' : text.trim())} />
  );
}
