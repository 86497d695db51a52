import { useCallback, useMemo, useRef, useState } from 'react';

import { begin, commit, redo, undo } from '../model/index';
import type { FlowDocument, History } from '../model/index';

interface State {
  history: History<FlowDocument>;
  /** Ids of nodes and comments. */
  selection: readonly string[];
}

export interface Change {
  document: FlowDocument;
  /** What is selected afterwards. */
  select?: readonly string[];
}

export interface Editor {
  document: FlowDocument;
  selection: readonly string[];
  canUndo: boolean;
  canRedo: boolean;
  /** What "undo" takes back, as a key of the texts under `edit`. */
  undoLabel: string | undefined;
  redoLabel: string | undefined;
  /** Edits with the same `merge` close upon one another are undone together. */
  edit(label: string, change: (document: FlowDocument) => FlowDocument | Change, merge?: string): void;
  undo(): void;
  redo(): void;
  select(ids: readonly string[]): void;
  /** Another document with a history of its own. */
  replace(document: FlowDocument): void;
}

/** The document at hand, its history and what is selected. */
export function useEditor(initial: FlowDocument): Editor {
  const [state, setState] = useState<State>(() => ({ history: begin(initial), selection: [] }));
  // Several edits may come before the next render; each builds on the one before.
  const latest = useRef(state);
  const put = useCallback((next: State) => {
    latest.current = next;
    setState(next);
  }, []);
  const actions = useMemo(
    () => ({
      edit(label: string, change: (document: FlowDocument) => FlowDocument | Change, merge?: string) {
        const { history, selection } = latest.current;
        const result = change(history.present);
        const { document, select } = 'document' in result ? result : { document: result, select: undefined };
        const entry = { label, now_ms: Date.now(), ...(merge === undefined ? {} : { merge }) };
        put({ history: commit(history, document, entry), selection: select ?? selection });
      },
      undo: () => put({ ...latest.current, history: undo(latest.current.history) }),
      redo: () => put({ ...latest.current, history: redo(latest.current.history) }),
      select: (selection: readonly string[]) => {
        if (!sameIds(selection, latest.current.selection)) put({ ...latest.current, selection });
      },
      replace: (document: FlowDocument) => put({ history: begin(document), selection: [] }),
    }),
    [put],
  );
  const { history, selection } = state;
  return useMemo(
    () => ({
      ...actions,
      document: history.present,
      selection,
      canUndo: history.past.length > 0,
      canRedo: history.future.length > 0,
      undoLabel: history.past.at(-1)?.label,
      redoLabel: history.future[0]?.label,
    }),
    [actions, history, selection],
  );
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
