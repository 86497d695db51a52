import { Alert } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { Problem } from '../api/problem';

/** The fields that the server refused, by name. */
export function fieldsOf(error: Error | null): Record<string, string> {
  return error instanceof Problem ? error.fields : {};
}

/** Why a request failed; nothing when every reason stands at one of the `shown` fields. */
export function Failure({ error, shown = [] }: { error: Error | null; shown?: string[] }) {
  const { t } = useTranslation();
  if (!error) return null;
  const names = Object.keys(fieldsOf(error));
  if (names.length > 0 && names.every((name) => shown.includes(name.split('/')[0] ?? ''))) return null;
  return <Alert color="red" role="alert">{words(error, t)}</Alert>;
}

/** What a failed request is to be told as. */
export function words(error: Error, t: (key: string) => string): string {
  if (!(error instanceof Problem)) return t('error.network');
  return error.status === 401 ? t('error.session') : error.detail;
}
