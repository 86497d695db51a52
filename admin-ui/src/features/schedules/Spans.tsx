import { ActionIcon, Button, Group, Input, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

import type { Problems } from './check';
import type { Span } from './document';

type Props = {
  /** What the hours are of: Monday, or a date. */
  of: string; spans: Span[]; onChange: (spans: Span[]) => void; place: string; problems: Problems; disabled: boolean;
};

/** The hours of one day, as many spans as wanted; none is closed. */
export function Spans({ of, spans, onChange, place, problems, disabled }: Props) {
  const { t } = useTranslation();
  const set = (row: number, part: Partial<Span>) => onChange(spans.map((span, index) => (index === row ? { ...span, ...part } : span)));
  const add = () => onChange([...spans, spans.length === 0 ? { from: '09:00', to: '18:00' } : { from: '', to: '' }]);
  return (
    <Group gap="sm" align="flex-start">
      {spans.length === 0 && <Text size="sm" c="dimmed" lh="30px" w={100}>{t('schedules.closed')}</Text>}
      {spans.map((span, row) => (
        <Stack key={row} gap={2}>
          <Group gap={4} wrap="nowrap">
            <Time label={t('schedules.fromOf', { of })} value={span.from} disabled={disabled} wrong={Boolean(problems[`${place}.${row}`])} onChange={(from) => set(row, { from })} />
            <Text span c="dimmed" aria-hidden>–</Text>
            <Time label={t('schedules.toOf', { of })} value={span.to} disabled={disabled} wrong={Boolean(problems[`${place}.${row}`])} onChange={(to) => set(row, { to })} />
            {!disabled && (
              <ActionIcon variant="subtle" color="gray" aria-label={t('schedules.removeSpan', { of, from: span.from, to: span.to })}
                onClick={() => onChange(spans.filter((_, index) => index !== row))}><IconX size={14} aria-hidden /></ActionIcon>
            )}
          </Group>
          {span.to && span.from > span.to && span.to !== '00:00' && <Text size="xs" c="dimmed">{t('schedules.nextDay')}</Text>}
          {problems[`${place}.${row}`] && <Input.Error>{t(problems[`${place}.${row}`] as string)}</Input.Error>}
        </Stack>
      ))}
      {!disabled && (
        <Button size="compact-sm" variant="default" leftSection={<IconPlus size={14} aria-hidden />} mt={3} onClick={add}
          aria-label={t('schedules.addSpanTo', { of })}>{t('schedules.addSpan')}</Button>
      )}
    </Group>
  );
}

type TimeProps = { label: string; value: string; onChange: (time: string) => void; disabled: boolean; wrong: boolean };

function Time({ label, value, onChange, disabled, wrong }: TimeProps) {
  return (
    <TextInput type="time" size="xs" w={112} aria-label={label} value={value} disabled={disabled} error={wrong}
      onChange={(event) => onChange(event.currentTarget.value)} />
  );
}
