import { Alert, List } from '@mantine/core';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';

import { Problem } from '../api/problem';

/** The fields that the server refused, by name. */
export function fieldsOf(error: Error | null): Record<string, string> {
  return error instanceof Problem ? error.fields : {};
}

/** Why a request failed; nothing when every reason stands at one of the `shown` fields. The other reasons are listed. */
export function Failure({ error, shown = [] }: { error: Error | null; shown?: string[] }) {
  const { t } = useTranslation();
  if (!error) return null;
  const fields = Object.entries(fieldsOf(error));
  const others = fields.filter(([name]) => !shown.includes(name.split('/')[0] ?? ''));
  if (fields.length > 0 && others.length === 0) return null;
  const reasons = [...new Set(others.map(([, detail]) => detail))].filter((detail) => detail !== words(error, t));
  return (
    <Alert color="red" role="alert">
      {words(error, t)}
      {reasons.length > 0 && <List size="sm" mt={4}>{reasons.map((reason) => <List.Item key={reason}>{reason}</List.Item>)}</List>}
    </Alert>
  );
}

/** `words`, for a component whose own texts are of another namespace. */
export function useWords(): (error: unknown) => string {
  const { t } = useTranslation();
  return useCallback((error: unknown) => words(error as Error, t), [t]);
}

/** What a failed request is to be told as. */
export function words(error: Error, t: (key: string) => string): string {
  if (!(error instanceof Problem)) return t('error.network');
  return error.status === 401 ? t('error.session') : error.detail;
}
