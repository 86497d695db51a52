import { Autocomplete, Kbd, Select, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { setStart, withFlow } from '../model/index';
import type { Problem } from '../model/index';
import type { Editor } from '../state/useEditor';
import { problemWords } from './problemWords';

const KEYS = ['mod+S', 'mod+Z', 'mod+Y', 'mod+F', 'mod+C', 'mod+V', 'mod+X', 'mod+D', 'mod+A', 'Delete', 'alt+↔'] as const;

/** What is set for the whole flow, and the keys. */
export function FlowSettings({ editor, problems }: { editor: Editor; problems: readonly Problem[] }) {
  const { t } = useTranslation('editor');
  const { flow } = editor.document;
  const wrong = (path: string) => {
    const found = problems.find((problem) => problem.node === null && problem.path === path);
    return found && problemWords(found, t);
  };
  return (
    <Stack gap="sm">
      <Title order={2} size="h5">{t('flow.title')}</Title>
      <TextInput size="xs" label={t('flow.name')} value={flow.name} error={wrong('name')} onChange={(event) => {
        const name = event.currentTarget.value;
        editor.edit('flowName', (now) => withFlow(now, { name }), 'flow:name');
      }} />
      <Autocomplete size="xs" label={t('field.language')} description={t('flow.languageHint')} value={flow.language ?? ''} data={['en', 'ru', 'de', 'fr', 'es']}
        onChange={(language) => editor.edit('language', (now) => withFlow(now, { language }), 'flow:language')} />
      {flow.nodes.length > 0 && (
        <Select size="xs" label={t('flow.start')} searchable allowDeselect={false} value={flow.start || null} error={wrong('start')}
          data={flow.nodes.map(({ id, name }) => ({ value: id, label: name || id }))}
          onChange={(id) => id && editor.edit('start', (now) => setStart(now, id))} />
      )}
      <Text size="xs" c="dimmed">{t('flow.steps', { count: flow.nodes.length })}</Text>
      <Title order={3} size="h6">{t('keys.title')}</Title>
      <Table verticalSpacing={3} fz="xs">
        <Table.Tbody>
          {KEYS.map((key) => (
            <Table.Tr key={key}>
              <Table.Td w={110}><Kbd size="xs">{key.replace('mod', 'Ctrl').replace('alt', 'Alt')}</Kbd></Table.Td>
              <Table.Td>{t(`keys.${key.replace(/.*\+/, '').replace('↔', 'arrows')}`)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}
