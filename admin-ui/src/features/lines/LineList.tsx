import { Anchor, Button, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';

import { Listing } from '../../components/Listing';
import { PageHeader } from '../../components/PageHeader';
import { RowActions } from '../../components/RowActions';
import { useMayEdit } from '../session/useMayEdit';
import { NewLine } from './NewLine';
import { linesQuery } from './queries';

/** The domain's inbound lines: numbers whose calls are led by rules. */
export function LineList() {
  const { t } = useTranslation();
  const { domain = '' } = useParams();
  const navigate = useNavigate();
  const mayEdit = useMayEdit();
  const lines = useQuery(linesQuery(domain));
  const [creating, setCreating] = useState(false);
  const numbers = `/domains/${encodeURIComponent(domain)}/numbers`;
  return (
    <Stack>
      <PageHeader title={t('lines.title')} text={t('lines.about')}>
        {mayEdit && <Button onClick={() => setCreating(true)}>{t('lines.new')}</Button>}
      </PageHeader>
      <Listing label={t('lines.title')} columns={[t('numbers.number'), t('numbers.name'), t('common.actions')]} query={lines}
        items={lines.data ?? []} empty={t('lines.empty')}
        row={({ number, title }) => (
          <Table.Tr key={number}>
            <Table.Td><Anchor component={Link} to={encodeURIComponent(number)} size="sm">{number}</Anchor></Table.Td>
            <Table.Td>{title || <Text span c="dimmed" size="sm">–</Text>}</Table.Td>
            <Table.Td>
              <RowActions of={number} actions={[
                { label: t('lines.rules'), onClick: () => void navigate(encodeURIComponent(number)) },
                { label: t('lines.versions'), onClick: () => void navigate(`${numbers}/${encodeURIComponent(number)}`) },
              ]} />
            </Table.Td>
          </Table.Tr>
        )} />
      {creating && <NewLine domain={domain} onClose={() => setCreating(false)} />}
    </Stack>
  );
}
