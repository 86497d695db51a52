/**
 * Undo and redo over immutable documents. An entry holds the document before the edit; documents share what did not
 * change, so an entry costs what its edit changed.
 */
export interface History<T> {
  present: T;
  past: Entry<T>[];
  future: Entry<T>[];
}

interface Entry<T> {
  document: T;
  /** What the edit was, for the tooltip of "undo". */
  label: string;
  /** Edits with the same key that follow one another closely are undone together: typing, nudging. */
  merge: string | null;
  at_ms: number;
}

export interface Edit {
  label: string;
  merge?: string;
  now_ms: number;
}

export const KEPT = 300;
export const MERGE_MS = 1500;

export function begin<T>(present: T): History<T> {
  return { present, past: [], future: [] };
}

export function commit<T>(history: History<T>, document: T, { label, merge, now_ms }: Edit): History<T> {
  if (document === history.present) return history;
  const last = history.past.at(-1);
  if (last && merge !== undefined && last.merge === merge && now_ms - last.at_ms <= MERGE_MS && history.future.length === 0) {
    return { present: document, past: [...history.past.slice(0, -1), { ...last, at_ms: now_ms }], future: [] };
  }
  const entry = { document: history.present, label, merge: merge ?? null, at_ms: now_ms };
  return { present: document, past: [...history.past, entry].slice(-KEPT), future: [] };
}

export function undo<T>(history: History<T>): History<T> {
  const last = history.past.at(-1);
  if (last === undefined) return history;
  const redo = { ...last, document: history.present, merge: null };
  return { present: last.document, past: history.past.slice(0, -1), future: [redo, ...history.future] };
}

export function redo<T>(history: History<T>): History<T> {
  const [next, ...future] = history.future;
  if (next === undefined) return history;
  const entry = { ...next, document: history.present, merge: null };
  return { present: next.document, past: [...history.past, entry], future };
}
