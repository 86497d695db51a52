import { Group, Input, SegmentedControl } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Value } from '../../model/index';
import { useForm } from './form';
import { Line } from './Line';

interface Props {
  at: string;
  label: string;
  value: Value;
  onChange: (value: Value) => void;
  /** Names to choose a fixed value from. */
  options?: readonly string[] | undefined;
}

/** A fixed text or a variable. */
export function ValueField({ at, label, value, onChange, options }: Props) {
  const { t } = useTranslation('editor');
  const { variables } = useForm();
  const kind = 'variable' in value ? 'variable' : 'fixed';
  const text = 'variable' in value ? value.variable : value.fixed;
  const put = (as: string, given: string) => onChange(as === 'variable' ? { variable: given } : { fixed: given });
  return (
    <div>
      <Group justify="space-between" mb={4} gap={4}>
        <Input.Label size="xs">{label}</Input.Label>
        <SegmentedControl size="xs" value={kind} onChange={(as) => put(as, '')} aria-label={t('field.valueKind', { label })}
          data={[{ value: 'fixed', label: t('field.fixed') }, { value: 'variable', label: t('field.variable') }]} />
      </Group>
      <Line at={`${at}.${kind}`} label="" value={text} options={kind === 'variable' ? variables : options}
        onChange={(given) => put(kind, given)} ariaLabel={label} />
    </div>
  );
}
