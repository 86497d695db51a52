import { ActionIcon, Button, Group, Select, Stack, Text } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

import type { Condition } from '../../model/index';
import { useForm } from './form';
import { Line } from './Line';
import { ValueField } from './ValueField';

type ConditionKind = 'open' | 'equals' | 'matches' | 'less' | 'all' | 'any' | 'not';

const FRESH: Record<ConditionKind, (old: Condition) => Condition> = {
  open: () => ({ open: '' }),
  equals: () => ({ equals: [{ variable: 'caller' }, { fixed: '' }] }),
  matches: () => ({ matches: [{ variable: 'caller' }, ''] }),
  less: () => ({ less: [{ variable: '' }, { fixed: '' }] }),
  all: (old) => ({ all: partsOf(old) }),
  any: (old) => ({ any: partsOf(old) }),
  not: (old) => ({ not: old }),
};

/** What an "all" or "any" begins with: what was there before. */
function partsOf(old: Condition): Condition[] {
  if ('all' in old) return old.all;
  return 'any' in old ? old.any : [old];
}

interface Props {
  at: string;
  condition: Condition;
  onChange: (condition: Condition) => void;
}

/** A condition, which may be made of others. */
export function ConditionField({ at, condition, onChange }: Props) {
  const { t } = useTranslation('editor');
  return (
    <Stack gap="xs">
      <Select size="xs" label={t('condition.kind')} allowDeselect={false} value={Object.keys(condition)[0] ?? 'open'}
        data={Object.keys(FRESH).map((value) => ({ value, label: t(`condition.${value}`) }))}
        onChange={(kind) => onChange(FRESH[kind as ConditionKind](condition))} />
      <Inner at={at} condition={condition} onChange={onChange} />
    </Stack>
  );
}

function Inner({ at, condition, onChange }: Props) {
  const { t } = useTranslation('editor');
  const { names } = useForm();
  if ('open' in condition) {
    return <Line at={`${at}.open`} label={t('condition.schedule')} value={condition.open} options={names.schedules} onChange={(open) => onChange({ open })} />;
  }
  if ('matches' in condition) {
    const [value, pattern] = condition.matches;
    return (
      <>
        <ValueField at={`${at}.matches.0`} label={t('condition.value')} value={value} onChange={(next) => onChange({ matches: [next, pattern] })} />
        <Line at={`${at}.matches.1`} label={t('condition.pattern')} description={t('condition.patternHint')} value={pattern} onChange={(next) => onChange({ matches: [value, next] })} />
      </>
    );
  }
  if ('equals' in condition) return <Pair at={`${at}.equals`} pair={condition.equals} onChange={(equals) => onChange({ equals })} />;
  if ('less' in condition) return <Pair at={`${at}.less`} pair={condition.less} onChange={(less) => onChange({ less })} />;
  if ('not' in condition) {
    return <div className="ed-prompt"><ConditionField at={`${at}.not`} condition={condition.not} onChange={(not) => onChange({ not })} /></div>;
  }
  if ('all' in condition) return <Parts at={`${at}.all`} parts={condition.all} onChange={(all) => onChange({ all })} />;
  return <Parts at={`${at}.any`} parts={condition.any} onChange={(any) => onChange({ any })} />;
}

type Two = Extract<Condition, { equals: unknown }>['equals'];

function Pair({ at, pair, onChange }: { at: string; pair: Two; onChange: (pair: Two) => void }) {
  const { t } = useTranslation('editor');
  const [left, right] = pair;
  return (
    <>
      <ValueField at={`${at}.0`} label={t('condition.left')} value={left} onChange={(next) => onChange([next, right])} />
      <ValueField at={`${at}.1`} label={t('condition.right')} value={right} onChange={(next) => onChange([left, next])} />
    </>
  );
}

function Parts({ at, parts, onChange }: { at: string; parts: Condition[]; onChange: (parts: Condition[]) => void }) {
  const { t } = useTranslation('editor');
  const { wrong } = useForm();
  return (
    <>
      {parts.map((part, index) => (
        <div className="ed-prompt" key={index}>
          <Group justify="flex-end">
            <ActionIcon size="sm" variant="subtle" color="red" aria-label={t('condition.remove')}
              onClick={() => onChange(parts.filter((_, place) => place !== index))}><IconTrash size={16} /></ActionIcon>
          </Group>
          <ConditionField at={`${at}.${index}`} condition={part}
            onChange={(next) => onChange(parts.map((old, place) => (place === index ? next : old)))} />
        </div>
      ))}
      {wrong(at) && <Text size="xs" c="var(--mantine-color-error)">{wrong(at)}</Text>}
      <Button size="compact-xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => onChange([...parts, { open: '' }])}>{t('condition.add')}</Button>
    </>
  );
}
