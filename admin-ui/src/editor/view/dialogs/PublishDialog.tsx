import { Button, Group, Modal, MultiSelect, Stack, Text, Textarea } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { useWords } from '../../../components/Failure';
import type { FlowApi } from '../../api';
import { Notice } from '../Notice';

interface Props {
  opened: boolean;
  onClose: () => void;
  api: FlowApi;
  /** Numbers of the domain; absent: not known. */
  numbers: readonly string[] | undefined;
  errors: number;
  warnings: number;
  dirty: boolean;
  /** Saves; false: it did not work. */
  save: () => Promise<boolean>;
  onShowProblems: () => void;
}

/** Makes the flow a version that calls run, and gives numbers to it. */
export function PublishDialog({ opened, onClose, api, numbers, errors, warnings, dirty, save, onShowProblems }: Props) {
  const { t } = useTranslation('editor');
  const words = useWords();
  const [note, setNote] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [state, setState] = useState<{ busy: boolean; error?: string; version?: string }>({ busy: false });
  // Whoever publishes wants it to be what is heard: the numbers that run it go on with the new version.
  useEffect(() => {
    if (!opened) return;
    api.running().then(setChosen, (error: unknown) => setState({ busy: false, error: words(error) }));
  }, [api, opened, words]);
  const close = () => {
    setState({ busy: false });
    onClose();
  };
  const publish = async () => {
    setState({ busy: true });
    try {
      // A conflict or a refusal is said by the page.
      if (dirty && !(await save())) return close();
      const { version } = await api.publish(note, chosen);
      setState({ busy: false, version: String(version) });
      setNote('');
    } catch (error) {
      setState({ busy: false, error: words(error) });
    }
  };
  return (
    <Modal opened={opened} onClose={close} title={t('publish.title')} closeButtonProps={{ 'aria-label': t('dialog.close') }}>
      {state.version !== undefined ? (
        <Stack>
          <Notice kind="good" title={t('publish.done')}>{t('publish.version', { version: state.version })}</Notice>
          <Group justify="flex-end"><Button onClick={close}>{t('dialog.close')}</Button></Group>
        </Stack>
      ) : (
        <Stack>
          {errors > 0 && (
            <Notice kind="bad" title={t('publish.blocked')}>
              <Text size="sm" mb="xs">{t('publish.errors', { count: errors })}</Text>
              <Button size="compact-sm" variant="default" onClick={() => { close(); onShowProblems(); }}>{t('publish.show')}</Button>
            </Notice>
          )}
          {errors === 0 && warnings > 0 && <Notice kind="warn">{t('publish.warnings', { count: warnings })}</Notice>}
          <Textarea label={t('publish.note')} description={t('publish.noteHint')} value={note} maxLength={1024} autosize minRows={2}
            data-autofocus onChange={(event) => setNote(event.currentTarget.value)} />
          <MultiSelect label={t('publish.numbers')} description={t('publish.numbersHint')} data={[...new Set([...(numbers ?? []), ...chosen])]} value={chosen}
            onChange={setChosen} searchable limit={100} nothingFoundMessage={t('ways.nothing')} />
          {state.error && <Notice kind="bad">{state.error}</Notice>}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>{t('dialog.cancel')}</Button>
            <Button loading={state.busy} disabled={errors > 0} onClick={() => void publish()}>{t(dirty ? 'publish.saveAndGo' : 'publish.go')}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
