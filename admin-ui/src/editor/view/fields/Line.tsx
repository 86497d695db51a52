import { Autocomplete, NumberInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { useForm } from './form';

interface LineProps {
  at: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  options?: readonly string[] | undefined;
  description?: string;
  placeholder?: string;
  /** Its name where `label` is empty. */
  ariaLabel?: string;
}

/** One line of text, with names to choose from. */
export function Line({ at, label, options = [], value, onChange, ariaLabel, ...rest }: LineProps) {
  const { wrong } = useForm();
  return (
    <Autocomplete {...rest} {...(label === '' ? { 'aria-label': ariaLabel } : { label })} size="xs" value={value} onChange={onChange} data={[...new Set(options)]} limit={50}
      error={wrong(at)} spellCheck={false} />
  );
}

interface AmountProps {
  at: string;
  label: string;
  value: number | undefined;
  onChange: (value: number | undefined) => void;
  /** What the server takes when nothing is said. */
  normal?: number;
  suffix?: string;
}

/** A whole number; empty is the server's own. */
export function Amount({ at, label, value, onChange, normal, suffix }: AmountProps) {
  const { t } = useTranslation('editor');
  const { wrong } = useForm();
  return (
    <NumberInput size="xs" label={label} value={value ?? ''} error={wrong(at)} allowDecimal={false} allowNegative={false}
      onChange={(given) => onChange(given === '' ? undefined : Number(given))} suffix={suffix ?? ''} hideControls
      placeholder={normal === undefined ? '' : t('field.normal', { value: `${normal}${suffix ?? ''}` })} />
  );
}
