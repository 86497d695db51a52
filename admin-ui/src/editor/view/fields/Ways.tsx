import { ActionIcon, Button, Fieldset, Group, Select, Stack, Switch } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

import { bodyAs, byKeypad, DIGITS, freeDigit, kindOf, portsOf } from '../../model/index';
import type { Port } from '../../model/index';
import { portWords } from '../words';
import { useForm } from './form';

interface Props {
  open: boolean;
  onConnect: (port: string, target: string | null) => void;
  onOpen: (open: boolean) => void;
}

/** Where the call goes on, for those who do not draw. */
export function Ways({ open, onConnect, onOpen }: Props) {
  const { t } = useTranslation('editor');
  const { node, steps, wrong } = useForm();
  const kind = kindOf(node);
  const ports = portsOf(node).filter((port) => port.role !== 'add');
  if (ports.length === 0) return null;
  return (
    <Fieldset legend={t('ways.title')} p="xs">
      <Stack gap="xs">
        {ports.map((port) =>
          port.role === 'choice' ? (
            <Choice key={port.id} port={port} onConnect={onConnect} />
          ) : (
            <Select key={port.id} size="xs" label={portWords(port, t)} data={steps} value={port.target} clearable searchable
              placeholder={t(port.required ? 'ways.choose' : endWords(port))} error={wrong(`${kind}.${port.id}`)}
              nothingFoundMessage={t('ways.nothing')} onChange={(target) => onConnect(port.id, target)} />
          ),
        )}
        {kind === 'menu' && <AddChoice />}
        {ports.some((port) => port.seldom) && (
          <Switch size="xs" label={t('ways.showAll')} checked={open} onChange={(event) => onOpen(event.currentTarget.checked)} />
        )}
      </Stack>
    </Fieldset>
  );
}

/** What happens when the way leads nowhere. */
function endWords(port: Port): string {
  return port.role === 'failure' || port.id === 'on_timeout' || port.id === 'on_invalid' ? 'ways.asDefault' : 'ways.end';
}

function Choice({ port, onConnect }: { port: Port; onConnect: Props['onConnect'] }) {
  const { t } = useTranslation('editor');
  const { node, steps, set, wrong } = useForm();
  const { choices } = bodyAs(node, 'menu');
  const rename = (digit: string) =>
    set('choices', Object.fromEntries(Object.entries(choices).map(([key, to]) => [key === port.digit ? digit : key, to])));
  const remove = () => set('choices', Object.fromEntries(Object.entries(choices).filter(([key]) => key !== port.digit)));
  const digits = [...DIGITS.filter((digit) => digit === port.digit || !Object.hasOwn(choices, digit))].sort(byKeypad);
  return (
    <Group gap={4} wrap="nowrap" align="flex-start">
      <Select size="xs" w={62} allowDeselect={false} aria-label={t('ways.digit')} value={port.digit} onChange={(digit) => digit && rename(digit)}
        data={digits.includes(port.digit) ? digits : [port.digit, ...digits]} />
      <Select size="xs" flex={1} aria-label={t('words.choice', { digit: port.digit })} data={steps} value={port.target} clearable searchable
        placeholder={t('ways.choose')} error={wrong(`menu.${port.id}`)} nothingFoundMessage={t('ways.nothing')}
        onChange={(target) => onConnect(port.id, target)} />
      <ActionIcon variant="subtle" color="red" aria-label={t('ways.removeChoice', { digit: port.digit })} onClick={remove}><IconTrash size={16} /></ActionIcon>
    </Group>
  );
}

function AddChoice() {
  const { t } = useTranslation('editor');
  const { node, set } = useForm();
  const menu = bodyAs(node, 'menu');
  const digit = freeDigit(menu);
  return (
    <Button size="compact-xs" variant="default" leftSection={<IconPlus size={14} />} disabled={digit === undefined}
      onClick={() => digit && set('choices', { ...menu.choices, [digit]: '' })}>{t('ways.addChoice')}</Button>
  );
}
