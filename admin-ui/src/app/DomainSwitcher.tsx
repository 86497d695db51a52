import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';

import { domainsQuery } from '../features/domains/queries';

/** Goes from one domain to another. */
export function DomainSwitcher() {
  const { t } = useTranslation();
  const { domain = null } = useParams();
  const navigate = useNavigate();
  const domains = useQuery(domainsQuery());
  const names = domains.data?.map(({ name }) => name) ?? [];
  if (domain && !names.includes(domain)) names.unshift(domain);
  return (
    <Select aria-label={t('shell.domain')} placeholder={t('shell.domain')} data={names} value={domain} searchable
      size="xs" w={220} allowDeselect={false} nothingFoundMessage={t('shell.noDomain')} limit={200}
      onChange={(name) => name && void navigate(`/domains/${encodeURIComponent(name)}`)} />
  );
}
