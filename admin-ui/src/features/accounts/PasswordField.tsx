import { Button, Group, PasswordInput, Stack } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { Copied } from '../../components/Copied';

// Without what looks alike: 0 and O, 1 and l and I.
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';

/** 20 letters of the browser's chance: 115 bits. */
function made(): string {
  const numbers = new Uint32Array(20);
  crypto.getRandomValues(numbers);
  return Array.from(numbers, (number) => LETTERS[number % LETTERS.length]).join('');
}

type Props = { value: string; onChange: (password: string) => void; error: string | undefined; focus?: boolean };

/** A password for somebody else: typed, or made and shown so that it can be handed on. */
export function PasswordField({ value, onChange, error, focus = false }: Props) {
  const { t } = useTranslation();
  const [generated, setGenerated] = useState('');
  const make = () => {
    const password = made();
    setGenerated(password);
    onChange(password);
  };
  return (
    <Stack gap="xs">
      <PasswordInput label={t('login.password')} description={t('accounts.passwordHint')} value={value} required
        autoComplete="new-password" data-autofocus={focus || undefined} error={error}
        onChange={(event) => onChange(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': t('login.show') }} />
      <Group gap="xs">
        <Button size="compact-sm" variant="default" onClick={make}>{t('accounts.makePassword')}</Button>
        {generated && generated === value && <Copied label={t('login.password')} value={generated} />}
      </Group>
    </Stack>
  );
}
