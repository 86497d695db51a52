import { Code, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { LoadError, Loading } from '../../components/Loading';
import { WideTable } from '../../components/WideTable';
import { clock, outcomeWords, valueWords } from './callWords';
import { nodeOf } from './nodeOf';
import { StepValue } from './StepValue';
import type { StepsQuery } from './useSteps';

const COLUMNS = ['at', 'node', 'op', 'arguments', 'outcome', 'took'] as const;

/** Everything that the scenario asked for, with what it gave and what it got. */
export default function Steps({ steps }: { steps: StepsQuery }) {
  const { t } = useTranslation();
  if (steps.isLoading) return <Loading h={200} />;
  if (steps.isError) return <LoadError error={steps.error} onRetry={steps.refetch} />;
  if (!steps.data) return <Text c="dimmed">{t('call.noJournal')}</Text>;
  if (steps.data.length === 0) return <Text c="dimmed">{t('call.noSteps')}</Text>;
  return (
    <WideTable label={t('call.tab.steps')} minWidth={760} verticalSpacing={4} striped>
      <Table.Thead>
        <Table.Tr>{COLUMNS.map((column) => <Table.Th key={column} scope="col">{t(`step.${column}`)}</Table.Th>)}</Table.Tr>
      </Table.Thead>
      <Table.Tbody>{steps.data.map((step) => <StepRow key={step.index} step={step} />)}</Table.Tbody>
    </WideTable>
  );
}

function StepRow({ step }: { step: Schemas['CallStep'] }) {
  return (
    <Table.Tr>
      <Table.Td className="call-number">{clock(step.at_ms)}</Table.Td>
      <Table.Td>{nodeOf(step).name ?? '–'}</Table.Td>
      <Table.Td><Code>{step.op}</Code></Table.Td>
      <Table.Td><StepValue value={step.arguments} words={valueWords(step.arguments)} /></Table.Td>
      <Table.Td><StepValue value={step.outcome} words={outcomeWords(step.outcome)} /></Table.Td>
      <Table.Td className="call-number">{step.ended_ms === null ? '…' : clock(step.ended_ms - step.at_ms)}</Table.Td>
    </Table.Tr>
  );
}
