import { ActionIcon, Button, Group, NumberInput, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconBackspace, IconPlayerSkipBack, IconPlayerTrackNext, IconPlayerTrackPrev, IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { useWords } from '../../../components/Failure';
import { OUTCOMES } from '../../api';
import type { FlowApi, Names, Outcome, TestResult } from '../../api';
import { bodyAs, kindOf } from '../../model/index';
import type { Flow } from '../../model/index';
import { timeWords } from '../words';
import { Notice } from '../Notice';

interface Props {
  api: FlowApi;
  flow: Flow;
  names: Names;
  result: TestResult | null;
  /** How many steps are shown. */
  shown: number;
  onResult: (result: TestResult | null) => void;
  onShow: (steps: number) => void;
}

interface Key {
  after_ms: number;
  digit: string;
}

const KEYPAD = [...'123456789*0#'];

/** A call made up: who calls, which keys are pressed when, who answers; and what would be heard. */
export function TestPanel({ api, flow, names, result, shown, onResult, onShow }: Props) {
  const { t } = useTranslation('editor');
  const words = useWords();
  const [caller, setCaller] = useState('301');
  const [dialled, setDialled] = useState(names.numbers?.[0] ?? '100');
  const [at, setAt] = useState('');
  const [digits, setDigits] = useState<Key[]>([]);
  const [dials, setDials] = useState<Record<string, Outcome>>({});
  const [state, setState] = useState<{ busy: boolean; error?: string }>({ busy: false });
  const call = async () => {
    setState({ busy: true });
    try {
      const when = at === '' ? {} : { at: new Date(at).toISOString() };
      onResult(await api.test({ flow, caller, dialled, digits, dials, ...when }));
      setState({ busy: false });
    } catch (error) {
      onResult(null);
      setState({ busy: false, error: words(error) });
    }
  };
  return (
    <Stack gap="sm">
      <div>
        <Title order={2} size="h5">{t('test.title')}</Title>
        <Text size="xs" c="dimmed">{t('test.about')}</Text>
      </div>
      <Group grow align="flex-start">
        <TextInput size="xs" label={t('test.caller')} value={caller} onChange={(event) => setCaller(event.currentTarget.value)} />
        <TextInput size="xs" label={t('test.dialled')} value={dialled} onChange={(event) => setDialled(event.currentTarget.value)} />
      </Group>
      <TextInput size="xs" type="datetime-local" label={t('test.at')} description={t('test.atHint')} value={at} onChange={(event) => setAt(event.currentTarget.value)} />
      <Keypad digits={digits} onChange={setDigits} />
      <Answers flow={flow} dials={dials} onChange={setDials} />
      <Button loading={state.busy} leftSection={<IconPlayerPlay size={16} />} onClick={() => void call()}>{t('test.call')}</Button>
      {state.error && <Notice kind="bad">{state.error}</Notice>}
      {result && <Result result={result} shown={shown} onShow={onShow} />}
    </Stack>
  );
}

function Keypad({ digits, onChange }: { digits: Key[]; onChange: (digits: Key[]) => void }) {
  const { t } = useTranslation('editor');
  const [wait, setWait] = useState(1);
  return (
    <div>
      <Group justify="space-between" align="flex-end" wrap="nowrap" mb={6}>
        <NumberInput size="xs" label={t('test.wait')} value={wait} min={0} max={600} decimalScale={1} suffix={t('field.s')} onChange={(value) => setWait(Number(value) || 0)} />
        <ActionIcon variant="default" size={30} aria-label={t('test.back')} disabled={digits.length === 0} onClick={() => onChange(digits.slice(0, -1))}><IconBackspace size={16} /></ActionIcon>
      </Group>
      <Text size="xs" mb={6} role="status">
        {digits.length === 0 ? t('test.noDigits') : digits.map(({ digit, after_ms }) => `+${after_ms / 1000} ${digit}`).join('  ')}
      </Text>
      <div className="ed-keypad">
        {KEYPAD.map((digit) => (
          <Button key={digit} size="compact-sm" variant="default" onClick={() => onChange([...digits, { after_ms: Math.round(wait * 1000), digit }])}>{digit}</Button>
        ))}
      </div>
    </div>
  );
}

/** Who is dialled by the flow, and whether they answer. */
function Answers({ flow, dials, onChange }: { flow: Flow; dials: Record<string, Outcome>; onChange: (dials: Record<string, Outcome>) => void }) {
  const { t } = useTranslation('editor');
  const [more, setMore] = useState('');
  const called = [...new Set([...calledBy(flow), ...Object.keys(dials)])];
  return (
    <Stack gap={4}>
      <Text size="xs" fw={500}>{t('test.answers')}</Text>
      {called.map((user) => (
        <Group key={user} gap="xs" wrap="nowrap">
          <Text size="xs" flex={1} truncate>{user}</Text>
          <Select size="xs" w={170} aria-label={t('test.answerOf', { user })} allowDeselect={false} value={dials[user] ?? 'no_answer'}
            data={OUTCOMES.map((value) => ({ value, label: t(`outcome.${value}`) }))} onChange={(outcome) => onChange({ ...dials, [user]: outcome as Outcome })} />
        </Group>
      ))}
      <Group gap="xs" wrap="nowrap">
        <TextInput size="xs" flex={1} aria-label={t('test.other')} placeholder={t('test.other')} value={more} onChange={(event) => setMore(event.currentTarget.value)} />
        <Button size="xs" variant="default" disabled={more === ''} onClick={() => { onChange({ ...dials, [more]: 'answered' }); setMore(''); }}>{t('field.add')}</Button>
      </Group>
    </Stack>
  );
}

function calledBy(flow: Flow): string[] {
  return flow.nodes.flatMap((node) => {
    switch (kindOf(node)) {
      case 'dial_user':
        return [bodyAs(node, 'dial_user').user];
      case 'group':
        return bodyAs(node, 'group').users;
      case 'dial_number': {
        const { number } = bodyAs(node, 'dial_number');
        return 'fixed' in number ? [number.fixed] : [];
      }
      default:
        return [];
    }
  }).filter(Boolean);
}

function Result({ result, shown, onShow }: { result: TestResult; shown: number; onShow: (steps: number) => void }) {
  const { t } = useTranslation('editor');
  const { steps, end } = result;
  return (
    <Stack gap={6}>
      <Group justify="space-between">
        <Text size="sm" fw={600} aria-live="polite">{t('test.step', { shown, all: steps.length })}</Text>
        <Group gap={4}>
          <ActionIcon variant="default" aria-label={t('test.first')} disabled={shown <= 1} onClick={() => onShow(1)}><IconPlayerSkipBack size={16} /></ActionIcon>
          <ActionIcon variant="default" aria-label={t('test.previous')} disabled={shown <= 1} onClick={() => onShow(shown - 1)}><IconPlayerTrackPrev size={16} /></ActionIcon>
          <ActionIcon variant="default" aria-label={t('test.next')} disabled={shown >= steps.length} onClick={() => onShow(shown + 1)}><IconPlayerTrackNext size={16} /></ActionIcon>
        </Group>
      </Group>
      {steps.map((step, index) => (
        <button type="button" className="ed-step-row" key={index} aria-current={index === shown - 1 ? 'step' : undefined} onClick={() => onShow(index + 1)}>
          <Text component="span" size="xs" c="dimmed">{index + 1} · {timeWords(step.from_ms)} </Text>
          <b>{step.name}</b>
          {step.heard.map((heard, place) => <Text component="span" display="block" size="xs" key={place}>“{heard}”</Text>)}
          {step.digits !== '' && <Text component="span" display="block" size="xs">{t('test.pressed', { digits: step.digits })}</Text>}
          {step.went !== '' && <Text component="span" display="block" size="xs" c="dimmed">→ {step.went}</Text>}
        </button>
      ))}
      <Text size="sm">{t('test.end', { cause: end.cause })}{end.detail && ` ${end.detail}`}</Text>
    </Stack>
  );
}
