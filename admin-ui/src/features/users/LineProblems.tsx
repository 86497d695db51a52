import { Alert, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { COLUMNS } from './importing';

/** Most problems that are listed: who has more, mends these first. */
const LISTED = 100;

type Props = { problems: Schemas['LineProblem'][]; /** More that the server does not tell. */ untold?: number; hint?: string };

/** What is wrong with the lines of a file. */
export function LineProblems({ problems, untold = 0, hint = '' }: Props) {
  const { t } = useTranslation();
  const title = t('users.importProblems', { count: problems.length + untold });
  const further = problems.length + untold - LISTED;
  // A fault that this console does not know is told in the server's words.
  const words = ({ code, value = '', other_line: line, detail }: Schemas['LineProblem']) =>
    t(`users.fault.${code}`, { value, line: line ?? '', columns: COLUMNS.join(', '), defaultValue: detail });
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
            {problems.slice(0, LISTED).map((problem, index) => (
              <Table.Tr key={index}>
                <Table.Td>{problem.line}</Table.Td><Table.Td>{problem.field}</Table.Td><Table.Td>{words(problem)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
      {further > 0 && <Text size="sm" c="dimmed">{t('users.furtherProblems', { count: further })}</Text>}
    </>
  );
}
