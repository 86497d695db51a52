import { Alert, Button, Group, Stack, Textarea, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { UNLESS_THERE } from './prompts';

type Props = { domain: string; name: string; present: Schemas['Prompt'][]; onDone: () => void; onClose: () => void };

/** Has the server speak a text into a prompt. */
export function SpeakPrompt({ domain, name: given, present, onDone, onClose }: Props) {
  const { t, i18n } = useTranslation();
  const [name, setName] = useState(given);
  const [text, setText] = useState('');
  const [voice, setVoice] = useState(i18n.language);
  const overwrites = present.some((prompt) => prompt.name === name.trim());
  const speak = useMutation({
    mutationFn: () => {
      const body = { text: text.trim(), ...(voice.trim() ? { voice: voice.trim() } : {}) };
      const params = { path: { domain, name: name.trim() }, header: overwrites ? {} : UNLESS_THERE };
      return taken(api.POST('/domains/{domain}/prompts/{name}/speak', { params, body }));
    },
    onSuccess: onDone,
  });
  const fields = fieldsOf(speak.error);
  return (
    <Dialog opened onClose={onClose} title={t('prompts.speak')}>
      <form onSubmit={inPlace(speak.mutate)}>
        <Stack>
          <Failure error={speak.error} shown={['name', 'text', 'voice']} />
          <TextInput label={t('prompts.name')} description={t('prompts.nameHint')} value={name} required data-autofocus error={fields['name']}
            onChange={(event) => setName(event.currentTarget.value)} />
          {overwrites && <Alert color="yellow">{t('prompts.overwrites', { name: name.trim() })}</Alert>}
          <Textarea label={t('prompts.spoken')} value={text} required autosize minRows={3} maxRows={10} error={fields['text']}
            onChange={(event) => setText(event.currentTarget.value)} />
          <TextInput label={t('prompts.voice')} description={t('prompts.voiceHint')} value={voice} error={fields['voice']} w={200}
            onChange={(event) => setVoice(event.currentTarget.value)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" loading={speak.isPending}>{t('common.create')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
