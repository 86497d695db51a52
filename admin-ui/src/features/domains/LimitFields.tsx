import { Fieldset, NumberInput, SimpleGrid, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { limits } from './limits';

type Props = {
  values: Record<string, string>; onChange: (name: string, value: string) => void; disabled: boolean;
  /** By pointer, such as `limits/kv-bytes`. */
  errors: Record<string, string>;
};

/** Limits of the domain; an empty field leaves it to the server. */
export function LimitFields({ values, onChange, disabled, errors }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <Text size="sm" c="dimmed">{t(disabled ? 'limits.locked' : 'limits.text')}</Text>
      {(['call', 'domain'] as const).map((group) => (
        <Fieldset key={group} legend={t(`limits.${group}`)} disabled={disabled}>
          <SimpleGrid cols={{ base: 1, xs: 2, lg: 3 }}>
            {limits.filter((limit) => limit.group === group).map(({ name, unit }) => (
              <NumberInput key={name} label={t(`limits.${name}`)}
                placeholder={t('limits.servers')} allowNegative={false} allowDecimal={unit === 'bytes'} hideControls min={0}
                rightSection={<Text size="xs" c="dimmed">{t(`limits.unit.${unit}`)}</Text>} rightSectionWidth={48}
                thousandSeparator=" " value={values[name] ?? ''} error={errors[`limits/${name}`]} disabled={disabled}
                onChange={(value) => onChange(name, String(value))} />
            ))}
          </SimpleGrid>
        </Fieldset>
      ))}
    </>
  );
}
