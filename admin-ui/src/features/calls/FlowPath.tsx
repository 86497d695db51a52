import './calls.css';

import { Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { FlowView } from '../../editor';
import { readDocument } from '../../editor/model/index';
import { pathOf } from './path';
import Steps from './Steps';
import type { StepsQuery } from './useSteps';

/** The drawing that the call ran on, with its way lit, and its steps: the way ends at the one that is chosen. */
export default function FlowPath({ read, steps }: { read: { flow: unknown; drawing?: unknown }; steps: StepsQuery }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<number | null>(null);
  const document = useMemo(() => readDocument(read), [read]);
  const path = useMemo(() => pathOf((steps.data ?? []).filter(({ index }) => chosen === null || index <= chosen)), [steps.data, chosen]);
  if (!document.ok) return <Text c="dimmed">{t('call.noDrawing')}</Text>;
  return (
    <div className="call-way">
      <div className="call-flow">
        <FlowView flow={document.value.flow} drawing={document.value.drawing} path={path} />
      </div>
      <div>
        <Text size="xs" c="dimmed" mb={4}>{t('call.wayHint')}</Text>
        <Steps steps={steps} choice={{ chosen, onChoose: setChosen }} />
      </div>
    </div>
  );
}
