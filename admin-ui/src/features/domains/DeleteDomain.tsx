import { useTranslation } from 'react-i18next';

import { api, taken } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { readDomain } from './queries';

type Props = { name: string; onClose: () => void; onDone?: () => void };

/** Deletes a domain with all it owns, once its name was typed. */
export function DeleteDomain({ name, ...then }: Props) {
  const { t } = useTranslation();
  const remove = async () => {
    const { etag } = await readDomain(name);
    await taken(api.DELETE('/domains/{domain}', { params: { path: { domain: name }, header: { 'If-Match': etag } } }));
  };
  return <ConfirmDelete what={name} text={t('domains.deleteHint')} typed={name} onDelete={remove} stale={[['domains']]} {...then} />;
}
