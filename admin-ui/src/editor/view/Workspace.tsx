import { Button, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { useWords } from '../../components/Failure';
import type { FlowApi, Names, TestResult } from '../api';
import { readDocument, readJson, toJson } from '../model/index';
import type { FlowDocument, Problem } from '../model/index';
import { dropDraft } from '../state/draft';
import type { Draft } from '../state/draft';
import { useCommands } from '../state/useCommands';
import { useEditor } from '../state/useEditor';
import { useKeys } from '../state/useKeys';
import { useLiveCounts } from '../state/useLiveCounts';
import { useProblems } from '../state/useProblems';
import { useSaving } from '../state/useSaving';
import { ConflictDialog } from './dialogs/ConflictDialog';
import { FindDialog } from './dialogs/FindDialog';
import { LeaveDialog } from './dialogs/LeaveDialog';
import { PublishDialog } from './dialogs/PublishDialog';
import { EditorCanvas } from './EditorCanvas';
import { chooseFile, download } from './files';
import { lightsOf } from './graph';
import { Inspector } from './Inspector';
import { Palette } from './Palette';
import { Problems } from './Problems';
import { TestPanel } from './test/TestPanel';
import { Toolbar } from './Toolbar';
import { Notice } from './Notice';

export interface Opened {
  document: FlowDocument;
  /** '': it is not on the server yet. */
  etag: string;
}

interface Props {
  domain: string;
  name: string;
  api: FlowApi;
  opened: Opened;
  names: Names;
  draft: Draft | null;
}

/** The editor of one flow. */
export function Workspace({ domain, name, api, opened, names, draft: kept }: Props) {
  const { t } = useTranslation('editor');
  const words = useWords();
  const editor = useEditor(opened.document);
  const { document } = editor;
  const saving = useSaving(api, { domain, name }, document, { etag: opened.etag, dirty: opened.etag === '' });
  const [edges, setEdges] = useState<ReadonlySet<string>>(() => new Set());
  const commands = useCommands(editor, edges, setEdges);
  const { problems, marks, errors, warnings, ofServer } = useProblems(document.flow, names, name);
  const [dialog, setDialog] = useState<'find' | 'publish' | null>(null);
  const [problemsShown, setProblemsShown] = useState(false);
  const [testing, setTesting] = useState(false);
  const [draft, setDraft] = useState(kept);
  const test = useTestCall(commands.centre);
  const counts = useLiveCounts(domain, name);

  const failed = useCallback((message: string) => notifications.show({ color: 'red', message }), []);
  const exportAs = (what: 'document' | 'flow') => download(`${name}.json`, toJson(document, what));
  useKeys({ ...commands, save: () => void saving.save(), undo: editor.undo, redo: editor.redo, find: () => setDialog('find') });

  const takeTheirs = async () => {
    try {
      const { raw, etag } = await api.load();
      const read = readDocument(raw);
      if (!read.ok) return failed(t('load.unreadable'));
      editor.replace(read.value);
      saving.settle(read.value, etag);
    } catch (error) {
      failed(words(error));
    }
  };
  const importFile = async () => {
    const text = await chooseFile();
    if (text === null) return;
    if (text === undefined) return failed(t('load.tooLong'));
    const read = readJson(text);
    if (!read.ok) return failed(t('load.badFile', { where: read.problems[0]?.path ?? '', detail: read.problems[0]?.detail ?? '' }));
    editor.edit('import', () => ({ document: read.value, select: [] }));
    requestAnimationFrame(commands.fit);
  };
  const check = async () => {
    try {
      const found: Problem[] = await api.check(document.flow);
      ofServer(document.flow, found);
      setProblemsShown(true);
      notifications.show({ color: found.length > 0 ? 'orange' : 'green', message: t('toolbar.checked', { count: found.length }) });
    } catch (error) {
      failed(words(error));
    }
  };
  const restore = () => {
    const read = readDocument(draft?.raw);
    if (read.ok) editor.edit('restore', () => ({ document: read.value, select: [] }));
    else failed(t('load.unreadable'));
    setDraft(null);
  };
  const discardDraft = () => {
    dropDraft(domain, name);
    setDraft(null);
  };
  const toggleTest = () => {
    setTesting(!testing);
    test.setResult(null);
  };
  const shown = test.result === null ? null : test.lights;

  return (
    <div className="ed-page">
      <Toolbar editor={editor} saving={saving} errors={errors} warnings={warnings} testing={testing} problemsShown={problemsShown}
        on={{
          ...commands, exportAs,
          save: () => void saving.save(),
          publish: () => setDialog('publish'),
          find: () => setDialog('find'),
          check: () => void check(),
          test: toggleTest,
          problems: () => setProblemsShown(!problemsShown),
          importFile: () => void importFile(),
        }} />
      {draft && (
        <Notice kind="info" p="xs">
          <Group justify="space-between" gap="xs">
            {t(draft.etag === opened.etag ? 'draft.found' : 'draft.old', { at: new Date(draft.at).toLocaleString() })}
            <Group gap="xs">
              <Button size="compact-sm" onClick={restore}>{t('draft.restore')}</Button>
              <Button size="compact-sm" variant="default" onClick={discardDraft}>{t('draft.discard')}</Button>
            </Group>
          </Group>
        </Notice>
      )}
      {saving.error && <Notice kind="bad" p="xs" role="alert">{t('toolbar.notSaved', { detail: saving.error })}</Notice>}
      <div className="ed-main">
        <aside className="ed-side" aria-label={t('canvas.palette')} tabIndex={0}><Palette onAdd={commands.add} onComment={commands.comment} /></aside>
        <div className="ed-middle">
          <EditorCanvas editor={editor} marks={marks} lights={shown} counts={counts} edges={edges} onEdges={setEdges} />
          {problemsShown && <Problems document={document} problems={problems} onShow={commands.show} />}
        </div>
        <aside className="ed-inspector" aria-label={t(testing ? 'test.title' : 'inspector.title')} tabIndex={0}>
          {testing ? (
            <TestPanel api={api} flow={document.flow} names={names} result={test.result} shown={test.shown} onResult={test.setResult} onShow={test.show} />
          ) : (
            <Inspector editor={editor} problems={problems} names={names} onRemove={commands.remove} onDuplicate={commands.duplicate} />
          )}
        </aside>
      </div>
      <FindDialog nodes={document.flow.nodes} opened={dialog === 'find'} onClose={() => setDialog(null)} onShow={commands.show} />
      <PublishDialog opened={dialog === 'publish'} onClose={() => setDialog(null)} api={api} numbers={names.numbers} errors={errors} warnings={warnings}
        dirty={saving.dirty} save={saving.save} onShowProblems={() => setProblemsShown(true)} />
      <ConflictDialog opened={saving.conflict} onClose={saving.leaveConflict} onTheirs={() => void takeTheirs()}
        onOverwrite={() => void saving.overwrite()} onDownload={() => exportAs('document')} />
      <LeaveDialog dirty={saving.dirty && (!saving.isNew || document.flow.nodes.length > 0)} save={saving.save} onDiscard={() => dropDraft(domain, name)} />
    </div>
  );
}

/** The result of a test call and how much of it is lit. */
function useTestCall(centre: (id: string) => void) {
  const [result, setResult] = useState<TestResult | null>(null);
  const [shown, setShown] = useState(1);
  const lights = useMemo(() => lightsOf(result?.steps ?? [], shown), [result, shown]);
  const show = (steps: number, of: TestResult | null = result) => {
    setShown(steps);
    const node = of?.steps[steps - 1]?.node;
    if (node !== undefined) centre(node);
  };
  return {
    result,
    shown,
    lights,
    show: (steps: number) => show(steps),
    setResult(next: TestResult | null) {
      setResult(next);
      show(1, next);
    },
  };
}
