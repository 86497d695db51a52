import { Alert, Button, Grid, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import type { Difference } from '../../components/Conflict';
import { fieldsOf } from '../../components/Failure';
import { LeaveGuard } from '../../components/LeaveGuard';
import { SaveProblem } from '../../components/SaveProblem';
import { inPlace } from '../../lib/inPlace';
import { type Read, useSaving } from '../../lib/useSaving';
import { keysOf } from '../numbers/EditNumber';
import { readNumber } from '../numbers/readNumber';
import { useMayEdit } from '../session/useMayEdit';
import { testLine } from './queries';
import { RuleForm } from './RuleForm';
import { RuleTable } from './RuleTable';
import { inserted, type Row, rowOf, type Rule, settingsOf, type Table, tableOf } from './table';
import { type Asked, Tester } from './Tester';
import { ruleName, wayWords } from './words';

type Props = { domain: string; first: Read<Schemas['NumberWithSettings']>; onSaved: () => void };
/** The rule whose form is open; `otherwise` is the destination of calls that no rule fits. */
type Editing = { index: number; rule: Rule; kind: 'new' | 'rule' | 'otherwise' };

const text = (table: Table) => JSON.stringify(settingsOf(table));

/** The rules of a line, and beside them what they make of a call: those that are not saved too. */
export function LineEditor({ domain, first, onSaved }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayEdit = useMayEdit();
  const { number } = first.data;
  const [table, setTable] = useState(() => tableOf(first.data.settings));
  const [base, setBase] = useState(() => text(table));
  const [editing, setEditing] = useState<Editing | null>(null);
  const [deleted, setDeleted] = useState<{ row: Row; index: number } | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const settings = text(table);
  const dirty = settings !== base;
  const tested = useQuery({
    queryKey: ['line-test', domain, asked, settings], enabled: asked !== null, placeholderData: keepPreviousData, retry: false, gcTime: 0,
    queryFn: () => testLine(domain, { ...(asked as Asked), settings: JSON.parse(settings) as unknown }),
  });
  const saving = useSaving({
    first,
    read: () => readNumber(domain, number),
    save: (etag) => {
      const params = { path: { domain, number }, header: { 'If-Match': etag } };
      return taken(api.PATCH('/domains/{domain}/numbers/{number}', { params, body: { settings: settingsOf(table) } }));
    },
    onSaved: () => {
      for (const queryKey of keysOf(domain, number)) void queries.invalidateQueries({ queryKey });
      notifications.show({ message: t('common.saved') });
      setBase(settings);
      setDeleted(null);
      onSaved();
    },
    onTheirs: (theirs) => {
      setTable(tableOf(theirs.settings));
      setBase(text(tableOf(theirs.settings)));
    },
  });
  const setRows = (rows: Row[]) => {
    setTable({ ...table, rows });
    setDeleted(null);
  };
  const remove = (index: number) => {
    const row = table.rows[index];
    if (!row) return;
    setTable({ ...table, rows: table.rows.filter((_, at) => at !== index) });
    setDeleted({ row, index });
  };
  const done = (rule: Rule) => {
    if (!editing) return;
    const { kind, index } = editing;
    if (kind === 'otherwise') setTable({ ...table, otherwise: rule.to });
    else if (kind === 'new') setRows(inserted(table.rows, index, rowOf(rule)));
    else setRows(table.rows.map((row, at) => (at === index ? { ...row, rule } : row)));
    setEditing(null);
  };
  const add = () => setEditing({ kind: 'new', index: table.rows.length, rule: { to: { user: { user: '' } } } });
  const decision = tested.isError ? null : tested.data?.decision ?? null;
  return (
    <Grid gutter="md">
      <Grid.Col span={{ base: 12, lg: 8 }}>
        <form onSubmit={inPlace(() => dirty && saving.submit())}>
          <LeaveGuard dirty={mayEdit && dirty && !saving.isPending} />
          <Stack>
            <SaveProblem saving={saving} shown={[]} differences={() => differences(table, tableOf(saving.conflict?.data.settings), t)} />
            <Paper withBorder p="md" component="section">
              <Group justify="space-between" mb="xs">
                <Title order={2} size="h5">{t('lines.rules')}</Title>
                {mayEdit && <Button size="xs" variant="default" onClick={add}>{t('lines.add')}</Button>}
              </Group>
              <Text size="sm" c="dimmed" mb="sm">{t('lines.rulesHint')}</Text>
              {deleted && (
                <Alert color="gray" mb="sm" p="xs" role="status">
                  <Group justify="space-between">
                    <Text size="sm">{t('lines.deleted', { name: ruleName(deleted.row.rule, deleted.index, t) })}</Text>
                    <Button size="compact-xs" variant="default" onClick={() => setRows(inserted(table.rows, deleted.index, deleted.row))}>{t('lines.undo')}</Button>
                  </Group>
                </Alert>
              )}
              <RuleTable table={table} decision={decision} fields={fieldsOf(saving.error)} mayEdit={mayEdit} onRows={setRows} onDelete={remove}
                onEdit={(index) => setEditing({ kind: 'rule', index, rule: table.rows[index]?.rule ?? { to: 'fall_back' } })}
                onOtherwise={() => setEditing({ kind: 'otherwise', index: -1, rule: { to: table.otherwise } })} />
              <TextInput mt="md" maw={240} label={t('lines.language')} description={t('lines.languageHint')} value={table.language} disabled={!mayEdit}
                error={fieldsOf(saving.error)['settings/language']}
                onChange={(event) => setTable({ ...table, language: event.currentTarget.value.trim() })} />
            </Paper>
            {mayEdit && (
              <Group justify="flex-end">
                {dirty && <Button variant="default" onClick={() => { setTable(tableOf(first.data.settings)); setDeleted(null); }}>{t('common.revert')}</Button>}
                <Button type="submit" loading={saving.isPending} disabled={!dirty}>{t('common.save')}</Button>
              </Group>
            )}
          </Stack>
        </form>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 4 }}>
        <Tester number={number} table={table} dirty={dirty} tested={tested} onAsk={setAsked} onClear={() => setAsked(null)} asked={asked} />
      </Grid.Col>
      {editing && (
        <RuleForm domain={domain} title={titleOf(editing, t)} rule={editing.rule} only={editing.kind === 'otherwise'} onDone={done}
          onClose={() => setEditing(null)} />
      )}
    </Grid>
  );
}

function titleOf({ kind, index, rule }: Editing, t: (key: string, options?: Record<string, unknown>) => string): string {
  if (kind === 'new') return t('lines.add');
  return kind === 'otherwise' ? t('lines.otherwise') : t('lines.editOf', { name: ruleName(rule, index, t) });
}

/** What differs, rule by rule. */
function differences(mine: Table, theirs: Table, t: (key: string, options?: Record<string, unknown>) => string): Difference[] {
  const said = (rule: Rule | undefined) => (rule ? [rule.name ?? '', ...wayWords(rule.to, t), JSON.stringify({ ...rule, to: undefined, name: undefined })].filter((part) => part && part !== '{}').join(' · ') : '');
  const places = Array.from({ length: Math.max(mine.rows.length, theirs.rows.length) }, (_, at) => at);
  return [
    ...places.map((at) => ({ label: t('lines.ruleNo', { place: at + 1 }), mine: said(mine.rows[at]?.rule), theirs: said(theirs.rows[at]?.rule) })),
    { label: t('lines.otherwise'), mine: wayWords(mine.otherwise, t).join(' · '), theirs: wayWords(theirs.otherwise, t).join(' · ') },
    { label: t('lines.language'), mine: mine.language, theirs: theirs.language },
  ];
}
