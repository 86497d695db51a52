import { Button, Group, Textarea } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { readJson } from '../lib/json';

type Props = { label: string; description?: string; value: string; error?: string | undefined; onChange: (value: string) => void };

/** JSON as text. Where it is none, the field says at which line and column. */
export function JsonField({ label, description, value, error, onChange }: Props) {
  const { t } = useTranslation();
  const read = readJson(value);
  const wrong = 'line' in read ? t('json.wrong', { line: read.line, column: read.column }) : undefined;
  const format = () => {
    if ('value' in read && read.value !== undefined) onChange(JSON.stringify(read.value, null, 2));
  };
  return (
    <div>
      <Textarea label={label} description={description} value={value} error={wrong ?? error} autosize minRows={4} maxRows={22}
        spellCheck={false} onChange={(event) => onChange(event.currentTarget.value)}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }} />
      <Group justify="flex-end" mt={4}>
        <Button size="compact-xs" variant="subtle" disabled={wrong !== undefined || value.trim() === ''} onClick={format}>{t('json.format')}</Button>
      </Group>
    </div>
  );
}
