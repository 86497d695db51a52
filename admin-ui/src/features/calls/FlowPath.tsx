import { Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

import { FlowView } from '../../editor';
import { readDocument } from '../../editor/model/index';
import type { Schemas } from '../../api/client';
import { pathOf } from './path';

/** The drawing that the call ran on, with its way lit. */
export default function FlowPath({ read, steps }: { read: { flow: unknown; drawing?: unknown }; steps: Schemas['CallStep'][] }) {
  const { t } = useTranslation();
  const document = useMemo(() => readDocument(read), [read]);
  const path = useMemo(() => pathOf(steps), [steps]);
  if (!document.ok) return <Text c="dimmed">{t('call.noDrawing')}</Text>;
  return (
    <div className="call-flow">
      <FlowView flow={document.value.flow} drawing={document.value.drawing} path={path} />
    </div>
  );
}
