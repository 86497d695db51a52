import { Badge, Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconCopyPlus, IconFlag, IconTrash } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Names } from '../api';
import { action, bodyOf, connect, disconnect, freeId, idsOf, kindOf, nodeOf, renameId, scopesOf, setAction, setName, setOpen, setStart } from '../model/index';
import type { FlowNode, Problem } from '../model/index';
import type { Editor } from '../state/useEditor';
import { FormContext } from './fields/form';
import type { Form } from './fields/form';
import { KindFields } from './fields/KindFields';
import { Ways } from './fields/Ways';
import { FlowSettings } from './FlowSettings';
import { problemWords } from './problemWords';

interface Props {
  editor: Editor;
  problems: readonly Problem[];
  names: Names;
  onRemove: () => void;
  onDuplicate: () => void;
}

/** The settings of what is selected. */
export function Inspector({ editor, problems, names, onRemove, onDuplicate }: Props) {
  const { t } = useTranslation('editor');
  const { selection, document } = editor;
  const only = selection.length === 1 ? nodeOf(document, selection[0] ?? '') : undefined;
  if (only !== undefined) {
    return (
      <Stack gap="sm">
        <StepSettings key={only.id} editor={editor} node={only} problems={problems} names={names} />
        <Actions onRemove={onRemove} onDuplicate={onDuplicate} />
      </Stack>
    );
  }
  if (selection.length === 0) return <FlowSettings editor={editor} problems={problems} />;
  return (
    <Stack gap="sm">
      <Title order={2} size="h5">{t('inspector.selected', { count: selection.length })}</Title>
      <Actions onRemove={onRemove} onDuplicate={onDuplicate} />
    </Stack>
  );
}

function Actions({ onRemove, onDuplicate }: Pick<Props, 'onRemove' | 'onDuplicate'>) {
  const { t } = useTranslation('editor');
  return (
    <Group gap="xs">
      <Button size="compact-sm" variant="default" leftSection={<IconCopyPlus size={15} />} onClick={onDuplicate}>{t('inspector.duplicate')}</Button>
      <Button size="compact-sm" variant="outline" color="red.9" className="ed-remove" leftSection={<IconTrash size={15} />} onClick={onRemove}>{t('inspector.remove')}</Button>
    </Group>
  );
}

function StepSettings({ editor, node, problems, names }: Pick<Props, 'editor' | 'problems' | 'names'> & { node: FlowNode }) {
  const { t } = useTranslation('editor');
  const { document } = editor;
  const kind = kindOf(node);
  const form = useStepForm(editor, node, problems, names);
  const isStart = document.flow.start === node.id;
  const general = form.problems.filter((problem) => problem.path === '');
  return (
    <FormContext value={form}>
      <div>
        <Group justify="space-between" wrap="nowrap" gap={4}>
          <Title order={2} size="h5">{t(`kind.${kind}`)}</Title>
          {isStart ? (
            <Badge variant="default" tt="none">{t('node.start')}</Badge>
          ) : (
            <Button size="compact-xs" variant="subtle" leftSection={<IconFlag size={14} />}
              onClick={() => editor.edit('start', (now) => setStart(now, node.id))}>{t('inspector.makeStart')}</Button>
          )}
        </Group>
        <Text size="xs" c="dimmed">{t(`about.${kind}`)}</Text>
        {general.map((problem, index) => (
          <Text key={index} size="xs" c="var(--mantine-color-error)" mt={4}>{problemWords(problem, t)}</Text>
        ))}
      </div>
      <TextInput size="xs" label={t('field.name')} value={node.name} error={form.wrong('name')}
        onChange={(event) => {
          const name = event.currentTarget.value;
          editor.edit('name', (now) => setName(now, node.id, name), `name:${node.id}`);
        }} />
      <KindFields />
      <Ways open={document.drawing.nodes[node.id]?.open === true}
        onOpen={(open) => editor.edit('open', (now) => setOpen(now, node.id, open))}
        onConnect={(port, target) =>
          editor.edit(target === null ? 'disconnect' : 'connect', (now) =>
            target === null ? disconnect(now, node.id, port) : connect(now, node.id, port, target))} />
      <IdField editor={editor} node={node} />
    </FormContext>
  );
}

function useStepForm(editor: Editor, node: FlowNode, problems: readonly Problem[], names: Names): Form {
  const { t } = useTranslation('editor');
  const { flow } = editor.document;
  const variables = useMemo(() => {
    const scope = scopesOf(flow).get(node.id);
    return [...new Set([...(scope?.always ?? []), ...(scope?.sometimes ?? [])])];
  }, [flow, node.id]);
  const steps = useMemo(() => flow.nodes.map(({ id, name }) => ({ value: id, label: name || id })), [flow.nodes]);
  return useMemo(() => {
    const own = problems.filter((problem) => problem.node === node.id);
    return {
      node,
      names,
      variables,
      steps,
      problems: own,
      set: (key, value) => editor.edit('settings', (now) => withKey(now, node.id, key, value), `set:${node.id}:${key}`),
      wrong: (path) => {
        const found = own.find((problem) => problem.path === path);
        return found && problemWords(found, t);
      },
    };
  }, [editor, node, names, variables, steps, problems, t]);
}

function withKey(document: Editor['document'], id: string, key: string, value: unknown): Editor['document'] {
  const node = nodeOf(document, id);
  if (node === undefined) return document;
  const { [key]: _old, ...rest } = bodyOf(node);
  return setAction(document, id, action(kindOf(node), value === undefined ? rest : { ...bodyOf(node), [key]: value }));
}

/** The id, which the call's trace shows. It is renamed when the field is left, with all that leads here. */
function IdField({ editor, node }: { editor: Editor; node: FlowNode }) {
  const { t } = useTranslation('editor');
  const [text, setText] = useState(node.id);
  useEffect(() => setText(node.id), [node.id]);
  const taken = text !== node.id && idsOf(editor.document).has(text);
  const rename = () => {
    if (text === node.id || text === '') return setText(node.id);
    editor.edit('rename', (now) => {
      const id = freeId(idsOf(now), text);
      return { document: renameId(now, node.id, id), select: [id] };
    });
  };
  return (
    <TextInput size="xs" label={t('field.id')} description={t('field.idHint')} value={text} maxLength={64} spellCheck={false}
      error={taken && t('field.idTaken')} onChange={(event) => setText(event.currentTarget.value)} onBlur={rename}
      onKeyDown={(event) => event.key === 'Enter' && rename()} />
  );
}
