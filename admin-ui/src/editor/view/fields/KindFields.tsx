import { Group, NumberInput, Select, TagsInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { bodyAs, CAUSES, kindOf, STRATEGIES } from '../../model/index';
import type { Kind } from '../../model/index';
import { ConditionField } from './ConditionField';
import { useForm } from './form';
import { Amount, Line } from './Line';
import { Pairs } from './Pairs';
import { PromptList } from './PromptList';
import { ValueField } from './ValueField';
import { Words } from './Words';

const FIELDS: Partial<Record<Kind, () => ReactNode>> = {
  say: SayFields,
  menu: MenuFields,
  collect: CollectFields,
  dial_user: UserFields,
  dial_number: NumberFields,
  group: GroupFields,
  transfer: NumberFields,
  voicemail: VoicemailFields,
  if: IfFields,
  set: SetFields,
  http: HttpFields,
  flow: FlowFields,
  scenario: NumberFields,
  hang_up: HangUpFields,
};

/** The settings of the node at hand. */
export function KindFields() {
  const { node } = useForm();
  const Fields = FIELDS[kindOf(node)];
  return Fields === undefined ? null : <Fields />;
}

function SayFields() {
  const { t } = useTranslation('editor');
  const { node, set } = useForm();
  return <PromptList at="say.prompts" label={t('field.prompts')} prompts={bodyAs(node, 'say').prompts} onChange={(prompts) => set('prompts', prompts ?? [])} />;
}

function Prompts({ name, fixed = false }: { name: 'greeting' | 'prompts' | 'timeout_prompts' | 'invalid_prompts'; fixed?: boolean }) {
  const { t } = useTranslation('editor');
  const { node, set } = useForm();
  const kind = kindOf(node);
  const prompts = bodyAs(node, kind as 'menu')[name] ?? [];
  return (
    <PromptList at={`${kind}.${name}`} label={t(`field.${name}`)} prompts={prompts}
      onChange={(next) => set(name, !fixed && next?.length === 0 ? undefined : next)} />
  );
}

function MenuFields() {
  const { t } = useTranslation('editor');
  const { node, set } = useForm();
  const { timeout_ms, retries } = bodyAs(node, 'menu');
  return (
    <>
      <Prompts name="greeting" />
      <Prompts name="prompts" fixed />
      <Group grow align="flex-start">
        <Amount at="menu.timeout_ms" label={t('field.timeout')} value={timeout_ms} normal={5000} suffix={t('field.ms')} onChange={(ms) => set('timeout_ms', ms)} />
        <Amount at="menu.retries" label={t('field.retries')} value={retries} normal={2} onChange={(count) => set('retries', count)} />
      </Group>
      <Prompts name="timeout_prompts" />
      <Prompts name="invalid_prompts" />
    </>
  );
}

function CollectFields() {
  const { t } = useTranslation('editor');
  const { node, set } = useForm();
  const { into, min, max, terminators, timeout_ms, digit_timeout_ms, retries } = bodyAs(node, 'collect');
  return (
    <>
      <Prompts name="prompts" />
      <Line at="collect.into" label={t('field.into')} value={into} onChange={(name) => set('into', name)} />
      <Group grow align="flex-start">
        <Amount at="collect.min" label={t('field.min')} value={min} normal={1} onChange={(count) => set('min', count)} />
        <Amount at="collect.max" label={t('field.max')} value={max} onChange={(count) => set('max', count ?? 0)} />
        <Line at="collect.terminators" label={t('field.terminators')} value={terminators ?? '#'} onChange={(digits) => set('terminators', digits)} />
      </Group>
      <Group grow align="flex-start">
        <Amount at="collect.timeout_ms" label={t('field.firstDigit')} value={timeout_ms} normal={5000} suffix={t('field.ms')} onChange={(ms) => set('timeout_ms', ms)} />
        <Amount at="collect.digit_timeout_ms" label={t('field.nextDigit')} value={digit_timeout_ms} normal={3000} suffix={t('field.ms')} onChange={(ms) => set('digit_timeout_ms', ms)} />
      </Group>
      <Amount at="collect.retries" label={t('field.retries')} value={retries} normal={2} onChange={(count) => set('retries', count)} />
      <Prompts name="invalid_prompts" />
    </>
  );
}

function Ring() {
  const { t } = useTranslation('editor');
  const { node, set } = useForm();
  const kind = kindOf(node);
  const { timeout_s } = bodyAs(node, kind as 'dial_user');
  return <Amount at={`${kind}.timeout_s`} label={t('field.ring')} value={timeout_s} normal={30} suffix={t('field.s')} onChange={(s) => set('timeout_s', s)} />;
}

function UserFields() {
  const { t } = useTranslation('editor');
  const { node, names, set } = useForm();
  return (
    <>
      <Line at="dial_user.user" label={t('field.user')} value={bodyAs(node, 'dial_user').user} options={names.users} onChange={(user) => set('user', user)} />
      <Ring />
    </>
  );
}

function NumberFields() {
  const { t } = useTranslation('editor');
  const { node, names, set } = useForm();
  const kind = kindOf(node) as 'dial_number' | 'transfer' | 'scenario';
  return (
    <>
      <ValueField at={`${kind}.number`} label={t('field.number')} value={bodyAs(node, kind).number} options={names.numbers} onChange={(number) => set('number', number)} />
      {kind === 'dial_number' && <Ring />}
    </>
  );
}

function GroupFields() {
  const { t } = useTranslation('editor');
  const { node, names, problems, set, wrong } = useForm();
  const { users, strategy = 'all' } = bodyAs(node, 'group');
  const inside = problems.find((problem) => problem.path.startsWith('group.users.'));
  return (
    <>
      <TagsInput size="xs" label={t('field.users')} value={users} data={names.users ?? []} limit={50} clearable
        error={wrong('group.users') ?? (inside && wrong(inside.path))} onChange={(next) => set('users', next)} placeholder={t('field.usersHint')} />
      <Select size="xs" label={t('field.strategy')} allowDeselect={false} value={strategy} onChange={(next) => set('strategy', next)}
        data={STRATEGIES.map((value) => ({ value, label: t(`strategy.${value}`) }))} />
      <Ring />
    </>
  );
}

function VoicemailFields() {
  const { t } = useTranslation('editor');
  const { node, names, set } = useForm();
  return (
    <>
      <ValueField at="voicemail.box" label={t('field.box')} value={bodyAs(node, 'voicemail').box} options={names.users} onChange={(box) => set('box', box)} />
      <Prompts name="greeting" />
    </>
  );
}

function IfFields() {
  const { node, set } = useForm();
  return <ConditionField at="if.when" condition={bodyAs(node, 'if').when} onChange={(when) => set('when', when)} />;
}

function SetFields() {
  const { t } = useTranslation('editor');
  const { node, variables, set } = useForm();
  const { variable, value } = bodyAs(node, 'set');
  return (
    <>
      <Line at="set.variable" label={t('field.variable')} value={variable} options={variables} onChange={(name) => set('variable', name)} />
      <Select size="xs" label={t('field.setTo')} allowDeselect={false} value={'text' in value ? 'text' : 'value'}
        data={[{ value: 'value', label: t('field.setValue') }, { value: 'text', label: t('field.setText') }]}
        onChange={(kind) => set('value', kind === 'text' ? { text: '' } : { fixed: '' })} />
      {'text' in value ? (
        <Words at="set.value.text" label={t('prompt.text')} value={value.text} onChange={(text) => set('value', { text })} />
      ) : (
        <ValueField at="set.value" label={t('condition.value')} value={value} onChange={(next) => set('value', next)} />
      )}
    </>
  );
}

function HttpFields() {
  const { t } = useTranslation('editor');
  const { node, set } = useForm();
  const { method, url, headers, body, timeout_s, into } = bodyAs(node, 'http');
  return (
    <>
      <Select size="xs" label={t('field.method')} allowDeselect={false} value={method} data={['GET', 'POST']} onChange={(next) => set('method', next)} />
      <Words at="http.url" label={t('field.url')} value={url} rows={1} onChange={(next) => set('url', next)} />
      <Pairs at="http.headers" label={t('field.headers')} nameLabel={t('field.header')} valueLabel={t('condition.value')} pairs={headers ?? {}} onChange={(next) => set('headers', next)} />
      {method === 'POST' && <Words at="http.body" label={t('field.body')} value={body ?? ''} rows={3} onChange={(next) => set('body', next || undefined)} />}
      <Amount at="http.timeout_s" label={t('field.timeout')} value={timeout_s} normal={5} suffix={t('field.s')} onChange={(s) => set('timeout_s', s)} />
      <Pairs at="http.into" label={t('field.answer')} nameLabel={t('field.variable')} valueLabel={t('field.pointer')} pairs={into ?? {}} onChange={(next) => set('into', next)} />
    </>
  );
}

function FlowFields() {
  const { t } = useTranslation('editor');
  const { node, names, set } = useForm();
  return <Line at="flow.name" label={t('field.flow')} value={bodyAs(node, 'flow').name} options={names.flows} onChange={(name) => set('name', name)} />;
}

function HangUpFields() {
  const { t } = useTranslation('editor');
  const { node, set, wrong } = useForm();
  const cause = bodyAs(node, 'hang_up').cause ?? 'normal';
  const chosen = typeof cause === 'object' ? 'status' : cause;
  return (
    <>
      <Select size="xs" label={t('field.cause')} description={t('field.causeHint')} allowDeselect={false} value={chosen}
        data={[...CAUSES, 'status'].map((value) => ({ value, label: t(`cause.${value}`) }))}
        onChange={(next) => set('cause', next === 'status' ? { status: 486 } : next === 'normal' ? undefined : next)} />
      {typeof cause === 'object' && (
        <NumberInput size="xs" label={t('field.status')} value={cause.status} allowDecimal={false} hideControls error={wrong('hang_up.cause.status')}
          onChange={(status) => set('cause', { status: Number(status) || 0 })} />
      )}
    </>
  );
}
