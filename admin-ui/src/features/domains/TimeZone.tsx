import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';

const zones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];

type Props = { value: string; onChange: (zone: string) => void; error: string | undefined };

/** A time zone of the IANA database. One that the browser does not know stays as it is. */
export function TimeZone({ value, onChange, error }: Props) {
  const { t } = useTranslation();
  const data = zones.includes(value) ? zones : [value, ...zones];
  return (
    <Select label={t('domains.timeZone')} description={t('domains.timeZoneHint')} data={data} value={value} searchable required
      allowDeselect={false} limit={100} nothingFoundMessage={t('domains.noZone')} error={error}
      onChange={(zone) => zone && onChange(zone)} />
  );
}
