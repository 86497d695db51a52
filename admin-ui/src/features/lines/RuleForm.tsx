import { Button, Checkbox, Fieldset, Group, SegmentedControl, Select, Stack, Switch, TagsInput, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Names } from '../../editor/api';
import { Dialog } from '../../components/Dialog';
import { useFocusWrong } from '../../lib/useFocusWrong';
import { numbersOf } from '../users/numbers';
import { DestinationField } from './DestinationField';
import { namesQuery } from './queries';
import { type Problems, problemsOf, type Prompt, type Rule, WHENS, type When } from './table';

type Props = {
  domain: string; title: string; rule: Rule; onDone: (rule: Rule) => void; onClose: () => void;
  /** Whether it is only a destination: that of calls which no rule fits. */
  only: boolean;
};

/** A rule: which calls it is for, and where these go. The table takes it; saving the line is another step. */
export function RuleForm({ domain, title, rule, only, onDone, onClose }: Props) {
  const { t } = useTranslation();
  const names = useQuery(namesQuery(domain)).data ?? {};
  const [draft, setDraft] = useState(rule);
  const [problems, setProblems] = useState<Problems>({});
  const here = useRef<HTMLFormElement>(null);
  useFocusWrong(here, Object.keys(problems).length > 0 && problems);
  const set = (part: Partial<Rule>) => setDraft((now) => ({ ...now, ...part }));
  const error = (place: string) => (problems[place] ? t(problems[place]) : undefined);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation(); // the dialog stands in the form of the table, as React sees it
    const found = problemsOf(draft);
    setProblems(found);
    if (Object.keys(found).length === 0) onDone(draft);
  };
  return (
    <Dialog opened onClose={onClose} title={title} size="lg">
      <form ref={here} onSubmit={submit} noValidate>
        <Stack>
          {!only && (
            <>
              <TextInput label={t('lines.name')} description={t('lines.nameHint')} value={draft.name ?? ''} error={error('name')} data-autofocus
                onChange={(event) => set({ name: event.currentTarget.value })} />
              <Switch label={t('lines.enabled')} checked={draft.enabled !== false} onChange={(event) => set({ enabled: event.currentTarget.checked })} />
              <Conditions draft={draft} names={names} error={error} onChange={set} />
              <Before before={draft.before} names={names} error={error('before')} onChange={(before) => set({ before })} />
            </>
          )}
          <Fieldset legend={t('lines.then')}>
            <DestinationField to={draft.to} at="to" depth={1} names={names} error={error} onChange={(to) => set({ to })} />
          </Fieldset>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit">{t('lines.take')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

/** What was pasted in one piece is many numbers. */
const parted = (texts: string[]) => [...new Set(texts.flatMap(numbersOf))];

type PartProps = { draft: Rule; names: Names; error: (place: string) => string | undefined; onChange: (part: Partial<Rule>) => void };

function Conditions({ draft, names, error, onChange }: PartProps) {
  const { t } = useTranslation();
  const { schedule = '', when = 'open' } = draft;
  const schedules = [...new Set([...(names.schedules ?? []), ...(schedule ? [schedule] : [])])];
  return (
    <Fieldset legend={t('lines.if')}>
      <Stack gap="sm">
        <TagsInput label={t('lines.called')} description={t('lines.patternHint')} value={draft.called ?? []} splitChars={[',', ';', ' ']}
          error={error('called')} onChange={(called) => onChange({ called: parted(called) })} />
        <TagsInput label={t('lines.caller')} description={t('lines.callerHint')} value={draft.caller ?? []} splitChars={[',', ';', ' ']}
          error={error('caller')} onChange={(caller) => onChange({ caller: parted(caller) })} />
        <Checkbox label={t('lines.withheld')} checked={draft.withheld ?? false} onChange={(event) => onChange({ withheld: event.currentTarget.checked })} />
        <Group align="flex-end" gap="sm">
          <Select label={t('lines.schedule')} placeholder={t('lines.anyTime')} data={schedules} value={schedule || null} searchable clearable flex={1} miw={180}
            nothingFoundMessage={t('lines.noSchedule')} clearButtonProps={{ 'aria-label': t('lines.anyTime') }}
            onChange={(value) => onChange({ schedule: value ?? '' })} />
          {schedule && (
            <SegmentedControl aria-label={t('lines.when')} value={when} onChange={(value) => onChange({ when: value as When })}
              data={WHENS.map((value) => ({ value, label: t(`lines.hours.${value}`) }))} />
          )}
        </Group>
      </Stack>
    </Fieldset>
  );
}

type BeforeProps = { before: Prompt | undefined; names: Names; error: string | undefined; onChange: (before: Prompt | undefined) => void };

/** What the caller hears first. */
function Before({ before, names, error, onChange }: BeforeProps) {
  const { t } = useTranslation();
  const kind = before === undefined ? 'none' : 'say' in before ? 'say' : 'file';
  const file = before && 'file' in before ? before.file : '';
  const files = [...new Set([...(names.prompts ?? []), ...(file ? [file] : [])])];
  const choose = (next: string) => onChange(next === 'say' ? { say: '' } : next === 'file' ? { file: '' } : undefined);
  return (
    <Stack gap="xs">
      <Select label={t('lines.before')} description={t('lines.beforeHint')} value={kind} allowDeselect={false}
        data={(['none', 'say', 'file'] as const).map((value) => ({ value, label: t(`lines.beforeKind.${value}`) }))} onChange={(value) => choose(value ?? 'none')} />
      {before && 'say' in before && (
        <Textarea aria-label={t('lines.text')} placeholder={t('lines.text')} value={before.say} error={error} autosize minRows={2} maxLength={3000}
          onChange={(event) => onChange({ say: event.currentTarget.value })} />
      )}
      {kind === 'file' && (
        <Select aria-label={t('lines.file')} placeholder={t('lines.file')} data={files} value={file || null} searchable error={error}
          nothingFoundMessage={t('lines.noFile')} onChange={(value) => onChange({ file: value ?? '' })} />
      )}
    </Stack>
  );
}
