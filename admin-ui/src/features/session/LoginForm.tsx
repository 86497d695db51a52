import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Problem } from '../../api/problem';
import { inPlace } from '../../lib/inPlace';

type Props = { login?: string; onSession: (session: Schemas['Session']) => void };

export function LoginForm({ login: known = '', onSession }: Props) {
  const { t } = useTranslation();
  const [login, setLogin] = useState(known);
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [codeNeeded, setCodeNeeded] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');

  const submit = async () => {
    setBusy(true);
    setError('');
    try {
      const body = { login: login.trim(), password, ...(codeNeeded ? { code: code.trim() } : {}) };
      onSession((await taken(api.POST('/session', { body }))).data);
    } catch (problem) {
      if (problem instanceof Problem && problem.codeNeeded && !codeNeeded) setCodeNeeded(true);
      else setError(words(problem, t));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={inPlace(submit)}>
      <Stack>
        {error && <Alert color="red" role="alert">{error}</Alert>}
        <TextInput label={t('login.login')} value={login} onChange={(e) => setLogin(e.currentTarget.value)}
          autoComplete="username" required autoFocus={!known} />
        <PasswordInput label={t('login.password')} value={password} onChange={(e) => setPassword(e.currentTarget.value)}
          autoComplete="current-password" required data-autofocus={known ? true : undefined}
          visibilityToggleButtonProps={{ 'aria-label': t('login.show') }} />
        {codeNeeded && (
          <TextInput label={t('login.code')} description={t('login.codeHint')} value={code} required autoFocus
            onChange={(e) => setCode(e.currentTarget.value)} autoComplete="one-time-code" inputMode="numeric" />
        )}
        <Button type="submit" loading={busy}>{t('login.submit')}</Button>
      </Stack>
    </form>
  );
}

function words(problem: unknown, t: (key: string, values?: Record<string, unknown>) => string): string {
  if (!(problem instanceof Problem)) return t('error.network');
  if (problem.status === 429) return t('login.locked', { count: Math.ceil((problem.retryAfterS ?? 60) / 60) });
  return problem.status === 401 ? t('login.wrong') : problem.detail;
}
