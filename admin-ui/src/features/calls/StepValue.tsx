import { Code, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** A value that is longer is folded. */
const SHORT = 90;

/** What a step gave or got, in words; where they are long, their begin, and all of it as JSON on demand. */
export function StepValue({ value, words }: { value: unknown; words: string }) {
  const { t } = useTranslation();
  if (words.length <= SHORT) return <Text span size="sm" className="call-decision">{words || '–'}</Text>;
  return (
    <details className="call-fold">
      <summary className="call-decision">
        <span className="call-folded">{words.slice(0, SHORT)}… <span className="call-more">{t('call.showAll')}</span></span>
        <span className="call-more call-unfolded">{t('call.showLess')}</span>
      </summary>
      <Code block className="call-text">{JSON.stringify(value, null, 2)}</Code>
    </details>
  );
}
