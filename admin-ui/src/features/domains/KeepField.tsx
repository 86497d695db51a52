import { Group, Input, NumberInput, Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';

const UNITS = { days: 86_400, hours: 3_600, seconds: 1 };
type Unit = keyof typeof UNITS | 'ever';
/** How long something is kept, as it is typed. */
export type Keep = { amount: string; unit: Unit };

/** Seconds, or null for ever, in the largest unit that leaves them whole. */
export function keepOf(seconds: number | null): Keep {
  if (seconds === null) return { amount: '', unit: 'ever' };
  const unit = (['days', 'hours'] as const).find((name) => seconds >= UNITS[name] && seconds % UNITS[name] === 0) ?? 'seconds';
  return { amount: String(seconds / UNITS[unit]), unit };
}

export function secondsOf({ amount, unit }: Keep): number | null {
  return unit === 'ever' ? null : Math.round(Number(amount) * UNITS[unit]);
}

type Props = { label: string; hint: string; value: Keep; onChange: (keep: Keep) => void; error: string | undefined };

/** A length of time with its unit, or for ever. */
export function KeepField({ label, hint, value, onChange, error }: Props) {
  const { t } = useTranslation();
  const units = (['days', 'hours', 'seconds', 'ever'] as const).map((unit) => ({ value: unit, label: t(`settings.${unit}`) }));
  return (
    <Input.Wrapper label={label} description={hint} error={error} labelElement="div">
      <Group gap="xs" wrap="nowrap" mt={4}>
        <NumberInput aria-label={label} value={value.amount} disabled={value.unit === 'ever'} hideControls flex={1}
          min={1} allowDecimal={false} allowNegative={false} required={value.unit !== 'ever'} error={Boolean(error)}
          onChange={(amount) => onChange({ ...value, amount: String(amount) })} />
        <Select aria-label={t('settings.unitOf', { what: label })} data={units} value={value.unit} allowDeselect={false} w={150}
          onChange={(unit) => unit && onChange({ ...value, unit: unit as Unit })} />
      </Group>
    </Input.Wrapper>
  );
}
