import { Code, Text, Timeline, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { LoadError, Loading } from '../../components/Loading';
import { causeWords, clock, outcomeWords, valueWords } from './callWords';
import { type Moment, momentsOf } from './moments';
import { StepValue } from './StepValue';
import type { StepsQuery } from './useSteps';

/** Steps that are listed at once; all of them are on the page of steps. */
const SHOWN = 60;

/** What happened and what the scenario decided, one after another. */
export function Decisions({ call, steps }: { call: Schemas['Call']; steps: StepsQuery }) {
  const { t } = useTranslation();
  if (steps.isLoading) return <Loading h={120} />;
  if (steps.isError) return <LoadError error={steps.error} onRetry={steps.refetch} />;
  const moments = momentsOf(call, steps.data ?? []);
  const left = moments.length - SHOWN;
  return (
    <section>
      <Title order={2} size="h5" mb="sm">{t('call.course')}</Title>
      <Timeline bulletSize={14} lineWidth={2} active={moments.length}>
        {moments.slice(0, SHOWN).map((moment, index) => <Item key={index} moment={moment} />)}
      </Timeline>
      {left > 0 && <Text size="sm" c="dimmed" mt="sm">{t('call.moreSteps', { count: left })}</Text>}
    </section>
  );
}

function Item({ moment, ...timeline }: { moment: Moment }) {
  const { t } = useTranslation();
  const words = (text: string) => t(`call.moment.${text}`, { who: moment.who, defaultValue: text });
  return (
    <Timeline.Item {...timeline} title={moment.node ?? words(moment.what)} styles={{ itemTitle: { fontSize: 14 } }}>
      <Text size="xs" c="dimmed">{clock(moment.at_ms)}{moment.cause && ` · ${causeWords(moment.cause, t)}`}</Text>
      {moment.steps.map((step) => <Decision key={step.index} step={step} />)}
    </Timeline.Item>
  );
}

function Decision({ step }: { step: Schemas['CallStep'] }) {
  const [given, got] = [valueWords(step.arguments), outcomeWords(step.outcome)];
  return (
    <div className="call-decision">
      <Code>{step.op}</Code> {given && <StepValue value={step.arguments} words={given} />}
      {got && <> → <StepValue value={step.outcome} words={got} /></>}
    </div>
  );
}
