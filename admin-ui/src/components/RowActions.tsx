import { ActionIcon, Button, Group, Menu } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconDots } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

/** `name`: what it is called where `LABEL: OF` would not do. */
export type RowAction = { label: string; onClick: () => void; disabled?: boolean; name?: string };

/** What can be done to a row: buttons where there is room, else one menu. `of`: what the row is about. */
export function RowActions({ of, actions }: { of: string; actions: RowAction[] }) {
  const { t } = useTranslation();
  const wide = useMediaQuery('(min-width: 64em)', true, { getInitialValueInEffect: false });
  if (wide) {
    return (
      <Group gap={6} wrap="nowrap" justify="flex-end">
        {actions.map(({ label, onClick, disabled, name }) => (
          <Button key={label} size="compact-xs" variant="default" disabled={disabled} onClick={onClick}
            aria-label={name ?? `${label}: ${of}`}>{label}</Button>
        ))}
      </Group>
    );
  }
  return (
    <Group justify="flex-end">
      <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <ActionIcon variant="default" aria-label={`${t('common.actions')}: ${of}`}><IconDots size={16} aria-hidden /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {actions.map(({ label, onClick, disabled, name }) => (
            <Menu.Item key={label} disabled={disabled} onClick={onClick} aria-label={name}>{label}</Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
