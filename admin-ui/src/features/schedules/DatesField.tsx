import { Group, Input, NumberInput, Select, Stack, TextInput } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

import type { Dates } from './document';

type Props = { value: Dates; onChange: (dates: Dates) => void; error: string | undefined; disabled: boolean; row: number };

/** A date, each year's date, or dates from one to another. */
export function DatesField({ value, onChange, error, disabled, row }: Props) {
  const { t } = useTranslation();
  const kinds = (['once', 'yearly', 'range'] as const).map((kind) => ({ value: kind, label: t(`schedules.${kind}`) }));
  const label = (what: string) => t('schedules.dateOf', { what: t(what), row: row + 1 });
  return (
    <Stack gap={2}>
      <Group gap="xs">
        <Select size="xs" w={140} data={kinds} value={value.kind} allowDeselect={false} disabled={disabled} aria-label={label('schedules.kind')}
          onChange={(kind) => kind && onChange(become(value, kind as Dates['kind']))} />
        {value.kind === 'yearly'
          ? <Yearly value={value.from} onChange={(from) => onChange({ ...value, from })} disabled={disabled} label={label} />
          : (
            <TextInput size="xs" w={140} type="date" aria-label={label(value.kind === 'range' ? 'schedules.first' : 'schedules.date')}
              value={value.from} disabled={disabled} error={Boolean(error)} onChange={(event) => onChange({ ...value, from: event.currentTarget.value })} />
          )}
        {value.kind === 'range' && (
          <TextInput size="xs" w={140} type="date" aria-label={label('schedules.last')} value={value.to} min={value.from} disabled={disabled} error={Boolean(error)}
            onChange={(event) => onChange({ ...value, to: event.currentTarget.value })} />
        )}
      </Group>
      {error && <Input.Error>{t(error)}</Input.Error>}
    </Stack>
  );
}

/** The same day under another kind. */
function become({ from, to }: Dates, kind: Dates['kind']): Dates {
  const day = from.slice(-5);
  if (kind === 'yearly') return { kind, from: day || '01-01', to: '' };
  const whole = from.length === 5 ? `${new Date().getFullYear()}-${from}` : from;
  return { kind, from: whole, to: kind === 'range' ? to || whole : '' };
}

type YearlyProps = { value: string; onChange: (monthAndDay: string) => void; disabled: boolean; label: (what: string) => string };

function Yearly({ value, onChange, disabled, label }: YearlyProps) {
  const { i18n } = useTranslation();
  const months = useMemo(() => {
    const name = new Intl.DateTimeFormat(i18n.language, { month: 'long', timeZone: 'UTC' });
    return Array.from({ length: 12 }, (_, month) => ({
      value: String(month + 1).padStart(2, '0'), label: name.format(Date.UTC(2024, month, 1)),
    }));
  }, [i18n.language]);
  const [month = '01', day = '01'] = value.split('-');
  return (
    <Group gap={4} wrap="nowrap">
      <NumberInput size="xs" w={56} min={1} max={31} allowDecimal={false} aria-label={label('schedules.day')} value={Number(day)} hideControls
        disabled={disabled} clampBehavior="strict" onChange={(next) => onChange(`${month}-${String(next || 1).padStart(2, '0')}`)} />
      <Select size="xs" w={124} data={months} value={month} allowDeselect={false} aria-label={label('schedules.month')} disabled={disabled}
        onChange={(next) => next && onChange(`${next}-${day}`)} />
    </Group>
  );
}
