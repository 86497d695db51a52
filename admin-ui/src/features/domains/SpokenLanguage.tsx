import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** What the server's voice speaks well. */
const languages = ['ar', 'bg', 'cs', 'da', 'de', 'el', 'en', 'en-us', 'es', 'et', 'fi', 'fr', 'hu', 'hy', 'it', 'ka', 'kk', 'lt', 'lv', 'nb',
  'nl', 'pl', 'pt', 'pt-br', 'ro', 'ru', 'sk', 'sl', 'sr', 'sv', 'tr', 'uk', 'uz'];

type Props = { value: string; onChange: (language: string) => void; error: string | undefined };

/** A language tag. One that is not among ours stays as it is. */
export function SpokenLanguage({ value, onChange, error }: Props) {
  const { t, i18n } = useTranslation();
  const names = new Intl.DisplayNames([i18n.language], { type: 'language' });
  const tags = languages.includes(value) ? languages : [value, ...languages];
  const data = tags.map((tag) => ({ value: tag, label: names.of(tag) ?? tag })).sort((a, b) => a.label.localeCompare(b.label, i18n.language));
  return (
    <Select label={t('domains.language')} description={t('domains.languageHint')} data={data} value={value} searchable required
      allowDeselect={false} nothingFoundMessage={t('domains.noLanguage')} error={error}
      onChange={(language) => language && onChange(language)} />
  );
}
