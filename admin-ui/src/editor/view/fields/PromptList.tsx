import { ActionIcon, Button, Fieldset, Group, Select, Stack } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconPlus, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

import { LIMITS } from '../../model/index';
import type { Prompt } from '../../model/index';
import { useForm } from './form';
import { Amount, Line } from './Line';
import { Words } from './Words';

type PromptKind = 'say' | 'speech' | 'file' | 'silence_ms' | 'tone';

const FRESH: Record<PromptKind, (words: string) => Prompt> = {
  say: (words) => ({ say: words }),
  speech: (words) => ({ speech: { text: words, language: '' } }),
  file: () => ({ file: '' }),
  silence_ms: () => ({ silence_ms: 500 }),
  tone: () => ({ tone: { hz: 425, duration_ms: 500 } }),
};

interface Props {
  at: string;
  label: string;
  prompts: readonly Prompt[];
  onChange: (prompts: Prompt[] | undefined) => void;
}

/** What the caller hears, one after another. */
export function PromptList({ at, label, prompts, onChange }: Props) {
  const { t } = useTranslation('editor');
  const { wrong } = useForm();
  const put = (index: number, prompt: Prompt) => onChange(prompts.map((old, place) => (place === index ? prompt : old)));
  const swap = (index: number, by: number) => {
    const moved = [...prompts];
    const [one] = moved.splice(index, 1);
    if (one) moved.splice(index + by, 0, one);
    onChange(moved);
  };
  return (
    <Fieldset legend={label} p="xs">
      <Stack gap="xs">
        {prompts.map((prompt, index) => (
          <div className="ed-prompt" key={index}>
            <Group gap={4} mb={6} wrap="nowrap">
              <Select size="xs" flex={1} allowDeselect={false} aria-label={t('prompt.kind')} value={Object.keys(prompt)[0] ?? 'say'}
                data={Object.keys(FRESH).map((value) => ({ value, label: t(`prompt.${value}`) }))}
                onChange={(kind) => put(index, FRESH[kind as PromptKind](wordsIn(prompt)))} />
              <ActionIcon variant="subtle" disabled={index === 0} aria-label={t('prompt.up')} onClick={() => swap(index, -1)}><IconArrowUp size={16} /></ActionIcon>
              <ActionIcon variant="subtle" disabled={index === prompts.length - 1} aria-label={t('prompt.down')} onClick={() => swap(index, 1)}><IconArrowDown size={16} /></ActionIcon>
              <ActionIcon variant="subtle" color="red" aria-label={t('prompt.remove')}
                onClick={() => onChange(prompts.filter((_, place) => place !== index))}><IconTrash size={16} /></ActionIcon>
            </Group>
            <PromptFields at={`${at}.${index}`} prompt={prompt} onChange={(fresh) => put(index, fresh)} />
          </div>
        ))}
        {wrong(at) && <div role="alert" style={{ color: 'var(--mantine-color-error)', fontSize: 12 }}>{wrong(at)}</div>}
        <Button size="compact-xs" variant="default" leftSection={<IconPlus size={14} />} disabled={prompts.length >= LIMITS.prompts}
          onClick={() => onChange([...prompts, { say: '' }])}>{t('prompt.add')}</Button>
      </Stack>
    </Fieldset>
  );
}

function wordsIn(prompt: Prompt): string {
  return 'say' in prompt ? prompt.say : 'speech' in prompt ? prompt.speech.text : '';
}

function PromptFields({ at, prompt, onChange }: { at: string; prompt: Prompt; onChange: (prompt: Prompt) => void }) {
  const { t } = useTranslation('editor');
  const { names } = useForm();
  if ('say' in prompt) return <Words at={`${at}.say`} label={t('prompt.text')} value={prompt.say} onChange={(say) => onChange({ say })} />;
  if ('speech' in prompt) {
    const { speech } = prompt;
    return (
      <>
        <Words at={`${at}.speech.text`} label={t('prompt.text')} value={speech.text} onChange={(text) => onChange({ speech: { ...speech, text } })} />
        <Line at={`${at}.speech.language`} label={t('field.language')} value={speech.language} options={['en', 'ru', 'de', 'fr', 'es']}
          onChange={(language) => onChange({ speech: { ...speech, language } })} />
      </>
    );
  }
  if ('file' in prompt) return <Line at={`${at}.file`} label={t('prompt.name')} value={prompt.file} options={names.prompts} onChange={(file) => onChange({ file })} />;
  if ('silence_ms' in prompt) {
    return <Amount at={`${at}.silence_ms`} label={t('prompt.duration')} value={prompt.silence_ms} suffix={t('field.ms')} onChange={(ms) => onChange({ silence_ms: ms ?? 0 })} />;
  }
  const { tone } = prompt;
  const { second_hz: _second, ...single } = tone;
  return (
    <Group gap="xs" grow align="flex-start">
      <Amount at={`${at}.tone.hz`} label={t('prompt.hz')} value={tone.hz} onChange={(hz) => onChange({ tone: { ...tone, hz: hz ?? 0 } })} />
      <Amount at={`${at}.tone.second_hz`} label={t('prompt.secondHz')} value={tone.second_hz ?? undefined}
        onChange={(hz) => onChange({ tone: hz === undefined ? single : { ...tone, second_hz: hz } })} />
      <Amount at={`${at}.tone.duration_ms`} label={t('prompt.duration')} value={tone.duration_ms} suffix={t('field.ms')}
        onChange={(ms) => onChange({ tone: { ...tone, duration_ms: ms ?? 0 } })} />
    </Group>
  );
}
