import { NumberInput, Select, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { JsonField } from '../../components/JsonField';
import { CAUSES, type NumberDraft } from './draft';
import { VersionPicker } from './VersionPicker';

/** The fields of the server's answer that the form shows. */
export const SHOWN = ['number', 'title', 'scenario', 'version', 'settings', 'fallback', 'fallback_settings'];

type Props = { domain: string; draft: NumberDraft; fields: Record<string, string>; onChange: (change: Partial<NumberDraft>) => void };

/** What a number starts, what that is told, and what happens when it fails. */
export function NumberFields({ domain, draft, fields, onChange }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <TextInput label={t('numbers.name')} description={t('numbers.nameHint')} value={draft.title} error={fields['title']}
        onChange={(event) => onChange({ title: event.currentTarget.value })} />
      <VersionPicker domain={domain} label={t('numbers.scenario')} scenario={draft.scenario} version={draft.version}
        errors={{ scenario: fields['scenario'], version: fields['version'] }}
        onChange={(scenario, version) => onChange({ scenario, version })} />
      <JsonField label={t('numbers.settings')} description={t('numbers.settingsHint')} value={draft.settings} error={fields['settings']}
        onChange={(settings) => onChange({ settings })} />
      <FallbackFields domain={domain} draft={draft} fields={fields} onChange={onChange} />
    </>
  );
}

function FallbackFields({ domain, draft, fields, onChange }: Props) {
  const { t } = useTranslation();
  const kinds = [
    { group: t('numbers.fallbackCause'), items: CAUSES.map((value) => ({ value: value as string, label: t(`numbers.cause.${value}`) })) },
    { group: t('numbers.fallbackOther'), items: ['status', 'scenario'].map((value) => ({ value, label: t(`numbers.cause.${value}`) })) },
  ];
  return (
    <>
      <Select label={t('numbers.fallback')} description={t('numbers.fallbackHint')} data={kinds} value={draft.fallback} allowDeselect={false}
        error={draft.fallback === 'scenario' ? undefined : fields['fallback']} onChange={(value) => value && onChange({ fallback: value })} />
      {draft.fallback === 'status' && (
        <NumberInput label={t('numbers.cause.status')} min={400} max={699} allowDecimal={false} value={draft.status}
          onChange={(value) => onChange({ status: String(value) })} />
      )}
      {draft.fallback === 'scenario' && (
        <>
          <VersionPicker domain={domain} label={t('numbers.fallbackScenario')} scenario={draft.fallbackScenario}
            version={draft.fallbackVersion} errors={{ scenario: fields['fallback'] }}
            onChange={(fallbackScenario, fallbackVersion) => onChange({ fallbackScenario, fallbackVersion })} />
          <JsonField label={t('numbers.fallbackSettings')} value={draft.fallbackSettings} error={fields['fallback_settings']}
            onChange={(fallbackSettings) => onChange({ fallbackSettings })} />
        </>
      )}
    </>
  );
}
