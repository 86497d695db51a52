import { Anchor, Code, Table, Text } from '@mantine/core';
import { memo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { LoadError, Loading } from '../../components/Loading';
import { WideTable } from '../../components/WideTable';
import { clock, outcomeWords, valueWords } from './callWords';
import { nodeOf } from './nodeOf';
import { StepValue } from './StepValue';
import type { StepsQuery } from './useSteps';

type Step = Schemas['CallStep'];

const CELLS = {
  at: (step: Step): ReactNode => <span className="call-number">{clock(step.at_ms)}</span>,
  node: (step: Step) => nodeOf(step).name ?? '–',
  op: (step: Step) => <Code>{step.op}</Code>,
  arguments: (step: Step) => <StepValue value={step.arguments} words={valueWords(step.arguments)} />,
  outcome: (step: Step) => <StepValue value={step.outcome} words={outcomeWords(step.outcome)} />,
  took: (step: Step) => <span className="call-number">{step.ended_ms === null ? '…' : clock(step.ended_ms - step.at_ms)}</span>,
};
type Column = keyof typeof CELLS;
const ALL = Object.keys(CELLS) as Column[];
/** Those that fit beside a drawing. */
const FEW: Column[] = ['at', 'node', 'op'];
/** As high as the drawing, less the line above. */
const NARROW = { minWidth: 300, maxHeight: 'calc(var(--call-flow-height) - 24px)', stickyHeader: true, horizontalSpacing: 5 };

/** The index of the step that is chosen, if one is. */
export interface Choice {
  chosen: number | null;
  onChoose: (index: number | null) => void;
}

/** Everything that the scenario asked for, with what it gave and what it got; with a `choice`, what was asked alone, in a height. */
export default function Steps({ steps, choice }: { steps: StepsQuery; choice?: Choice }) {
  const { t } = useTranslation();
  if (steps.isLoading) return <Loading h={200} />;
  if (steps.isError) return <LoadError error={steps.error} onRetry={steps.refetch} />;
  if (!steps.data) return <Text c="dimmed">{t('call.noJournal')}</Text>;
  if (steps.data.length === 0) return <Text c="dimmed">{t('call.noSteps')}</Text>;
  const columns = choice ? FEW : ALL;
  const room = choice ? NARROW : { minWidth: 760 };
  return (
    <WideTable label={t('call.tab.steps')} verticalSpacing={4} striped {...room}>
      <Table.Thead>
        <Table.Tr>{columns.map((column) => <Table.Th key={column} scope="col">{t(`step.${column}`)}</Table.Th>)}</Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {steps.data.map((step) => (
          <StepRow key={step.index} step={step} columns={columns} chosen={choice?.chosen === step.index} onChoose={choice?.onChoose} />
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

type RowProps = { step: Step; columns: Column[]; chosen: boolean; onChoose: Choice['onChoose'] | undefined };

/** A call may have thousands: only those are drawn again whose choice changes. */
const StepRow = memo(function StepRow({ step, columns, chosen, onChoose }: RowProps) {
  const cell = (column: Column) => {
    if (column !== 'at' || !onChoose) return CELLS[column](step);
    return (
      <Anchor component="button" type="button" size="sm" underline="always" aria-pressed={chosen} onClick={() => onChoose(chosen ? null : step.index)}>
        {CELLS.at(step)}
      </Anchor>
    );
  };
  return (
    <Table.Tr className={chosen ? 'call-chosen' : undefined}>
      {columns.map((column) => <Table.Td key={column}>{cell(column)}</Table.Td>)}
    </Table.Tr>
  );
});
