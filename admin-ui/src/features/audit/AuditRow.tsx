import { Badge, Button, Table, Text } from '@mantine/core';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { When } from '../../components/When';
import { difference } from './difference';

const COLOURS: Record<string, string> = { create: 'teal.9', remove: 'red.9' };

/** A change; on demand with what was and what is. */
export function AuditRow({ entry }: { entry: Schemas['AuditEntry'] }) {
  const { t, i18n } = useTranslation();
  const [opened, setOpened] = useState(false);
  const id = useId();
  const lines = difference(entry.before, entry.after);
  const action = i18n.exists(`audit.${entry.action}`) ? t(`audit.${entry.action}`) : entry.action;
  return (
    <>
      <Table.Tr>
        <Table.Td><When at={entry.at} /></Table.Td>
        <Table.Td>{entry.who}<Text size="xs" c="dimmed">{entry.address}</Text></Table.Td>
        <Table.Td><Badge size="sm" color={COLOURS[entry.action] ?? 'indigo.8'}>{action}</Badge></Table.Td>
        <Table.Td>{entry.what}</Table.Td>
        <Table.Td>
          {lines.length > 0 && (
            <Button size="compact-xs" variant="default" aria-expanded={opened} aria-controls={id}
              aria-label={`${t('audit.details')}: ${entry.what}`} onClick={() => setOpened(!opened)}>
              {t(opened ? 'audit.hide' : 'audit.show')}
            </Button>
          )}
        </Table.Td>
      </Table.Tr>
      {opened && <Table.Tr id={id}><Table.Td colSpan={5}><Lines entry={entry} lines={lines} /></Table.Td></Table.Tr>}
    </>
  );
}

function Lines({ entry, lines }: { entry: Schemas['AuditEntry']; lines: ReturnType<typeof difference> }) {
  const { t } = useTranslation();
  return (
    <Table withTableBorder withColumnBorders aria-label={t('audit.difference', { what: entry.what })} layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{t('audit.field')}</Table.Th>
          {entry.before !== null && <Table.Th scope="col">{t('audit.before')}</Table.Th>}
          {entry.after !== null && <Table.Th scope="col">{t('audit.after')}</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {lines.map(({ field, before, after }) => (
          <Table.Tr key={field}>
            <Table.Th scope="row" fw={400} ff="monospace" fz="xs">{field}</Table.Th>
            {entry.before !== null && <Table.Td className="was">{before || '–'}</Table.Td>}
            {entry.after !== null && <Table.Td className="is">{after || '–'}</Table.Td>}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
