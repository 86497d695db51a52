import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, taken } from '../../api/client';
import { ConfirmDelete } from '../../components/ConfirmDelete';
import { readDomain } from './queries';

type Props = { name: string; onClose: () => void; onDeleted: () => void };

/** Deletes a domain with all it owns, once its name was typed. */
export function DeleteDomain({ name, onClose, onDeleted }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const remove = async () => {
    const { etag } = await readDomain(name);
    await taken(api.DELETE('/domains/{domain}', { params: { path: { domain: name }, header: { 'If-Match': etag } } }));
  };
  const done = () => {
    void queries.invalidateQueries({ queryKey: ['domains'] });
    onDeleted();
  };
  return (
    <ConfirmDelete what={name} text={t('domains.deleteHint')} typed={name} onDelete={remove} onDone={done} onClose={onClose} />
  );
}
