import { Group, Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { useFormat } from '../../lib/useFormat';
import { useScenarios, useVersions } from '../scenarios/useScenarios';

type Props = {
  domain: string; label: string; scenario: string; version: string; onChange: (scenario: string, version: string) => void;
  errors?: { scenario?: string | undefined; version?: string | undefined };
};

/** A scenario or a published flow, and which of its versions; the newest where none is chosen. */
export function VersionPicker({ domain, label, scenario, version, onChange, errors = {} }: Props) {
  const { t } = useTranslation();
  const scenarios = useScenarios(domain);
  const names = scenarios.data?.map(({ name }) => name) ?? [];
  const all = scenario && !names.includes(scenario) ? [scenario, ...names] : names;
  return (
    <Group align="flex-start" grow>
      <Select label={label} data={all} value={scenario || null} required searchable allowDeselect={false} error={errors.scenario}
        nothingFoundMessage={t('numbers.noScenario')} onChange={(value) => onChange(value ?? '', '')} />
      <VersionSelect domain={domain} scenario={scenario} version={version} error={errors.version}
        onChange={(value) => onChange(scenario, value)} />
    </Group>
  );
}

type SelectProps = {
  domain: string; scenario: string; version: string; error?: string | undefined; except?: string; label?: string;
  onChange: (version: string) => void;
};

export function VersionSelect({ domain, scenario, version, error, except, label, onChange }: SelectProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const versions = useVersions(domain, scenario);
  const data = (versions.data ?? []).filter(({ hash }) => hash !== except).map(({ hash, note, uploaded_at: at }) => ({
    value: hash,
    label: [hash.slice(0, 8), note.slice(0, 60), format.moment(at)].filter(Boolean).join(' · '),
  }));
  if (version && !data.some(({ value }) => value === version)) data.push({ value: version, label: version.slice(0, 8) });
  return (
    <Select label={label ?? t('numbers.version')} data={data} value={version || null} placeholder={t('numbers.newest')} clearable searchable
      disabled={!scenario} error={error} nothingFoundMessage={t('numbers.noVersion')} onChange={(value) => onChange(value ?? '')}
      clearButtonProps={{ 'aria-label': t('numbers.newest') }} />
  );
}
