import { Alert, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { LineProblem } from './readUsers';

/** Most problems that are listed: who has more, mends these first. */
const LISTED = 100;

/** What is wrong with the lines of a file. */
export function LineProblems({ problems, hint = '' }: { problems: LineProblem[]; hint?: string }) {
  const { t } = useTranslation();
  const title = t('users.importProblems', { count: problems.length });
  return (
    <>
      <Alert color="red" role="alert">{title} {hint}</Alert>
      <div className="scroll" tabIndex={0} role="region" aria-label={title}>
        <Table aria-label={title} stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col" w={80}>{t('users.line')}</Table.Th>
              <Table.Th scope="col" w={140}>{t('users.column')}</Table.Th>
              <Table.Th scope="col">{t('users.problem')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {problems.slice(0, LISTED).map(({ line, column, text, values, detail }, index) => (
              <Table.Tr key={index}>
                <Table.Td>{line}</Table.Td><Table.Td>{column}</Table.Td><Table.Td>{text ? t(text, values) : detail}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
      {problems.length > LISTED && <Text size="sm" c="dimmed">{t('users.furtherProblems', { count: problems.length - LISTED })}</Text>}
    </>
  );
}
