import { ActionIcon, Button, Fieldset, Group, Stack } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

import { Line } from './Line';

interface Props {
  at: string;
  label: string;
  nameLabel: string;
  valueLabel: string;
  pairs: Record<string, string>;
  onChange: (pairs: Record<string, string> | undefined) => void;
}

/** Names and their values, such as headers. */
export function Pairs({ at, label, nameLabel, valueLabel, pairs, onChange }: Props) {
  const { t } = useTranslation('editor');
  const entries = Object.entries(pairs);
  const put = (next: [string, string][]) => onChange(next.length === 0 ? undefined : Object.fromEntries(next));
  const change = (index: number, entry: [string, string]) => put(entries.map((old, place) => (place === index ? entry : old)));
  return (
    <Fieldset legend={label} p="xs">
      <Stack gap="xs">
        {entries.map(([name, value], index) => (
          <Group key={index} gap={4} wrap="nowrap" align="flex-start">
            <Line at={`${at}.${name}`} label="" ariaLabel={nameLabel} placeholder={nameLabel} value={name} onChange={(next) => {
              // Two of one name would be one.
              if (next === name || !Object.hasOwn(pairs, next)) change(index, [next, value]);
            }} />
            <Line at="" label="" ariaLabel={valueLabel} placeholder={valueLabel} value={value} onChange={(next) => change(index, [name, next])} />
            <ActionIcon variant="subtle" color="red" aria-label={t('field.remove')} onClick={() => put(entries.filter((_, place) => place !== index))}><IconTrash size={16} /></ActionIcon>
          </Group>
        ))}
        <Button size="compact-xs" variant="default" leftSection={<IconPlus size={14} />} disabled={Object.hasOwn(pairs, '')}
          onClick={() => put([...entries, ['', '']])}>{t('field.add')}</Button>
      </Stack>
    </Fieldset>
  );
}
