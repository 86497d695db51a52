import { ActionIcon, Badge, Button, Group, Menu, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconDots, IconGripVertical } from '@tabler/icons-react';
import { type DragEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { WideTable } from '../../components/WideTable';
import { duplicated, moved, type Row, type Rule, type Table as Lines } from './table';
import { conditionsOf, factWords, ruleName, wayWords } from './words';

type Decision = Schemas['LineTested']['decision'];
type Props = {
  table: Lines; decision: Decision; mayEdit: boolean;
  /** What the server refused, by its place in the settings. */
  fields: Record<string, string>;
  onRows: (rows: Row[]) => void; onEdit: (index: number) => void; onDelete: (index: number) => void; onOtherwise: () => void;
};

/** The rules in their order, which is changed by dragging or by the arrows. */
export function RuleTable({ table, decision, mayEdit, fields, onRows, onEdit, onDelete, onOtherwise }: Props) {
  const { t } = useTranslation();
  const { rows } = table;
  const here = useRef<HTMLDivElement>(null);
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const [focus, setFocus] = useState<{ id: number; way: 'up' | 'down' } | null>(null);
  const [told, setTold] = useState('');
  // A row that is moved loses the focus; at either end the other arrow takes it.
  useEffect(() => {
    if (!focus) return;
    const arrow = (way: string) => here.current?.querySelector<HTMLButtonElement>(`[data-row="${focus.id}"] [data-way="${way}"]:not(:disabled)`);
    (arrow(focus.way) ?? arrow(focus.way === 'up' ? 'down' : 'up'))?.focus();
  }, [focus]);
  const move = (from: number, to: number) => {
    const next = moved(rows, from, to);
    if (next === rows || from === to) return;
    onRows(next);
    setTold(t('lines.moved', { name: ruleName(rows[from]?.rule ?? {}, from, t), place: to + 1, count: rows.length }));
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    if (dragged !== null && over !== null) move(dragged, over);
    setDragged(null);
    setOver(null);
  };
  return (
    <div ref={here}>
      <VisuallyHidden role="status">{told}</VisuallyHidden>
      <WideTable label={t('lines.rules')} minWidth={520} verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col" w={64}>{t('lines.place')}</Table.Th>
            <Table.Th scope="col">{t('lines.if')}</Table.Th>
            <Table.Th scope="col">{t('lines.then')}</Table.Th>
            {mayEdit && <Table.Th scope="col" ta="right">{t('common.actions')}</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody onDrop={drop} onDragOver={(event) => event.preventDefault()}>
          {rows.map((row, index) => (
            <RuleRow key={row.id} row={row} index={index} count={rows.length} look={decision?.rules[index]} mayEdit={mayEdit}
              error={wrongAt(fields, index)} mark={over === index && dragged !== null && dragged !== index ? (dragged < index ? 'below' : 'above') : ''}
              onDrag={setDragged} onOver={() => setOver(index)} onEdit={() => onEdit(index)} onDelete={() => onDelete(index)}
              onMove={(way) => { move(index, way === 'up' ? index - 1 : index + 1); setFocus({ id: row.id, way }); }}
              onDuplicate={() => onRows(duplicated(rows, index))}
              onRule={(rule) => onRows(rows.map((other) => (other === row ? { ...row, rule } : other)))} />
          ))}
          <Table.Tr className={decision && decision.rule === null ? 'line-decides' : undefined}>
            <Table.Td />
            <Table.Td>
              <Group gap={6}>
                <Text size="sm" fw={500}>{t('lines.otherwise')}</Text>
                {decision && decision.rule === null && <Badge variant="filled">{t('lines.decides')}</Badge>}
              </Group>
            </Table.Td>
            <Table.Td><Way to={table.otherwise} /></Table.Td>
            {mayEdit && (
              <Table.Td ta="right">
                <Button size="compact-xs" variant="default" onClick={onOtherwise} aria-label={`${t('common.edit')}: ${t('lines.otherwise')}`}>{t('common.edit')}</Button>
              </Table.Td>
            )}
          </Table.Tr>
        </Table.Tbody>
      </WideTable>
      {rows.length === 0 && <Text size="sm" c="dimmed" mt="xs">{t('lines.noRules')}</Text>}
    </div>
  );
}

/** The first of what the server refused in a rule. */
function wrongAt(fields: Record<string, string>, index: number): string | undefined {
  const place = `settings/rules/${index}`;
  return Object.entries(fields).find(([at]) => at === place || at.startsWith(`${place}/`))?.[1];
}

type RowProps = {
  row: Row; index: number; count: number; look: Schemas['LineRuleLook'] | undefined; mayEdit: boolean; error: string | undefined;
  mark: '' | 'above' | 'below'; onDrag: (index: number | null) => void; onOver: () => void; onEdit: () => void; onDelete: () => void;
  onMove: (way: 'up' | 'down') => void; onDuplicate: () => void; onRule: (rule: Rule) => void;
};

function RuleRow({ row, index, count, look, mayEdit, error, mark, onDrag, onOver, onEdit, onDelete, onMove, onDuplicate, onRule }: RowProps) {
  const { t } = useTranslation();
  const { rule } = row;
  const off = rule.enabled === false;
  const name = ruleName(rule, index, t);
  const conditions = conditionsOf(rule, t);
  const here = useRef<HTMLTableRowElement>(null);
  const begin = (event: DragEvent) => {
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', name); // Firefox drags nothing without
    if (here.current) event.dataTransfer.setDragImage(here.current, 12, 12);
    onDrag(index);
  };
  const classes = [look?.result === 'decides' && 'line-decides', mark && `line-${mark}`].filter(Boolean).join(' ');
  return (
    <Table.Tr ref={here} data-row={row.id} className={classes || undefined} onDragOver={onOver}>
      <Table.Td>
        <Group gap={2} wrap="nowrap">
          {mayEdit && (
            <span className="line-grip" draggable onDragStart={begin} onDragEnd={() => onDrag(null)} title={t('lines.drag')} aria-hidden>
              <IconGripVertical size={16} />
            </span>
          )}
          <Text size="sm">{index + 1}</Text>
        </Group>
      </Table.Td>
      <Table.Td>
        <Stack gap={2}>
          <Group gap={6}>
            {rule.name && <Text size="sm" fw={500}>{rule.name}</Text>}
            {off && <Badge color="gray" variant="light">{t('lines.off')}</Badge>}
            {look?.result === 'decides' && <Badge variant="filled">{t('lines.decides')}</Badge>}
          </Group>
          {conditions.map((text) => <Text key={text} size="sm" className="line-text">{text}</Text>)}
          {conditions.length === 0 && <Text size="sm" c="dimmed">{t('lines.always')}</Text>}
          {look && <Reasons look={look} />}
          {error && <Text size="sm" c="red.9">{error}</Text>}
        </Stack>
      </Table.Td>
      <Table.Td><Way to={rule.to} before={rule.before} /></Table.Td>
      {mayEdit && (
        <Table.Td>
          <Group gap={4} wrap="nowrap" justify="flex-end">
            <ActionIcon variant="default" data-way="up" disabled={index === 0} aria-label={t('lines.up', { name })} onClick={() => onMove('up')}>
              <IconArrowUp size={14} aria-hidden />
            </ActionIcon>
            <ActionIcon variant="default" data-way="down" disabled={index === count - 1} aria-label={t('lines.down', { name })} onClick={() => onMove('down')}>
              <IconArrowDown size={14} aria-hidden />
            </ActionIcon>
            <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
              <Menu.Target>
                <ActionIcon variant="default" aria-label={`${t('common.actions')}: ${name}`}><IconDots size={14} aria-hidden /></ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={onEdit}>{t('common.edit')}</Menu.Item>
                <Menu.Item onClick={onDuplicate}>{t('lines.duplicate')}</Menu.Item>
                <Menu.Item onClick={() => onRule({ ...rule, enabled: off })}>{t(off ? 'lines.enable' : 'lines.disable')}</Menu.Item>
                <Menu.Item onClick={onDelete}>{t('common.delete')}</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Group>
        </Table.Td>
      )}
    </Table.Tr>
  );
}

/** Why the rule fits the tested call, or not. */
function Reasons({ look }: { look: Schemas['LineRuleLook'] }) {
  const { t } = useTranslation();
  if (look.result === 'not_reached') return <Text size="xs" c="dimmed">{t('lines.notReached')}</Text>;
  return (
    <ul className="line-reasons" aria-label={t(look.result === 'decides' ? 'lines.whyFits' : 'lines.whyNot')}>
      {look.facts.map((fact) => (
        <li key={fact.code} className={fact.holds ? 'line-holds' : 'line-fails'}>
          <span aria-hidden>{fact.holds ? '✓' : '✗'}</span> {factWords(fact, t)}
        </li>
      ))}
    </ul>
  );
}

function Way({ to, before }: { to: Rule['to']; before?: Rule['before'] }) {
  const { t } = useTranslation();
  return (
    <Stack gap={2}>
      {before && <Text size="sm" className="line-text">{'say' in before ? t('lines.says', { text: before.say }) : t('lines.plays', { file: before.file })}</Text>}
      {wayWords(to, t).map((text, at) => (
        <Text key={at} size="sm" c={at > 0 ? 'dimmed' : undefined} className="line-text">{at > 0 ? t('lines.then2', { text }) : text}</Text>
      ))}
    </Stack>
  );
}
