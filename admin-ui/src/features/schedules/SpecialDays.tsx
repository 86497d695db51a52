import { ActionIcon, Button, Fieldset, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { useFormat } from '../../lib/useFormat';
import type { Problems } from './check';
import { DatesField } from './DatesField';
import { type Dates, type Exception, type Holiday, rowId } from './document';
import { Spans } from './Spans';

type Common = { problems: Problems; disabled: boolean };
const today = (): Dates => ({ kind: 'once', from: '', to: '' });

/** Days on which it is closed, with the name that callers may be told. */
export function Holidays({ rows, onChange, problems, disabled }: Common & { rows: Holiday[]; onChange: (rows: Holiday[]) => void }) {
  const { t } = useTranslation();
  const set = (index: number, part: Partial<Holiday>) => onChange(rows.map((row, at) => (at === index ? { ...row, ...part } : row)));
  const error = (place: string) => (problems[place] ? t(problems[place]) : undefined);
  return (
    <Days list="holidays" disabled={disabled} rows={rows} onRemove={(index) => onChange(rows.filter((_, at) => at !== index))}
      onAdd={() => onChange([...rows, { id: rowId(), dates: today(), name: '' }])}
      row={(row, index) => (
        <>
          <DatesField row={index} value={row.dates} onChange={(dates) => set(index, { dates })} disabled={disabled}
            error={problems[`holidays.${index}.dates`]} />
          <TextInput size="xs" flex={1} miw={160} aria-label={t('schedules.nameOf', { row: index + 1 })} placeholder={t('schedules.name')}
            value={row.name} disabled={disabled} error={error(`holidays.${index}.name`)}
            onChange={(event) => set(index, { name: event.currentTarget.value })} />
        </>
      )} />
  );
}

/** Days with hours of their own, holiday or not. */
export function Exceptions({ rows, onChange, problems, disabled }: Common & { rows: Exception[]; onChange: (rows: Exception[]) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const set = (index: number, part: Partial<Exception>) => onChange(rows.map((row, at) => (at === index ? { ...row, ...part } : row)));
  const name = ({ dates }: Exception, index: number) => (dates.from.length === 10 ? format.day(dates.from) : t('schedules.row', { row: index + 1 }));
  return (
    <Days list="exceptions" disabled={disabled} rows={rows} onRemove={(index) => onChange(rows.filter((_, at) => at !== index))}
      onAdd={() => onChange([...rows, { id: rowId(), dates: today(), spans: [] }])}
      row={(row, index) => (
        <>
          <DatesField row={index} value={row.dates} onChange={(dates) => set(index, { dates })} disabled={disabled}
            error={problems[`exceptions.${index}.dates`]} />
          <Spans of={name(row, index)} spans={row.spans} onChange={(spans) => set(index, { spans })} disabled={disabled}
            place={`exceptions.${index}.spans`} problems={problems} />
        </>
      )} />
  );
}

type DaysProps<T> = {
  list: 'holidays' | 'exceptions'; rows: T[]; row: (row: T, index: number) => ReactNode; disabled: boolean;
  onAdd: () => void; onRemove: (index: number) => void;
};

function Days<T extends { id: number }>({ list, rows, row, disabled, onAdd, onRemove }: DaysProps<T>) {
  const { t } = useTranslation();
  return (
    <Fieldset legend={t(`schedules.${list}`)}>
      <Stack gap="sm" align="stretch">
        <Text size="sm" c="dimmed">{t(`schedules.${list}Hint`)}</Text>
        {rows.map((item, index) => (
          <Group key={item.id} align="flex-start" wrap="nowrap" className="week-day">
            <Group align="flex-start" flex={1} gap="sm">{row(item, index)}</Group>
            {!disabled && (
              <ActionIcon variant="subtle" color="red.9" aria-label={t(`schedules.remove_${list}`, { row: index + 1 })} onClick={() => onRemove(index)}>
                <IconTrash size={16} aria-hidden />
              </ActionIcon>
            )}
          </Group>
        ))}
        {!disabled && (
          <Group><Button size="compact-sm" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={onAdd}>{t(`schedules.add_${list}`)}</Button></Group>
        )}
      </Stack>
    </Fieldset>
  );
}
