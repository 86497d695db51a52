import { useCallback, useEffect, useRef, useState } from 'react';

import { hasStatus } from '../../api/problem';
import { useWords } from '../../components/Failure';
import type { FlowApi } from '../api';
import type { FlowDocument } from '../model/index';
import { dropDraft, keepDraft } from './draft';

const DRAFT_MS = 800;

export interface Saving {
  dirty: boolean;
  busy: boolean;
  error: string | null;
  /** Someone else saved meanwhile. */
  conflict: boolean;
  isNew: boolean;
  /** Whether it is saved now. */
  save(): Promise<boolean>;
  /** Saves over what someone else saved. */
  overwrite(): Promise<boolean>;
  /** Takes what was loaded or saved as the state on the server. */
  settle(document: FlowDocument, etag: string): void;
  leaveConflict(): void;
}

interface Place {
  domain: string;
  name: string;
}

/** Saves the document and knows whether it is saved. */
export function useSaving(api: FlowApi, { domain, name }: Place, document: FlowDocument, initial: { etag: string; dirty: boolean }): Saving {
  const words = useWords();
  const [saved, setSaved] = useState<FlowDocument | null>(initial.dirty ? null : document);
  const [etag, setEtag] = useState(initial.etag);
  const [state, setState] = useState<{ busy: boolean; error: string | null; conflict: boolean }>({ busy: false, error: null, conflict: false });
  const busy = useRef(false);
  const dirty = document !== saved;

  const settle = useCallback(
    (now: FlowDocument, tag: string) => {
      setSaved(now);
      setEtag(tag);
      setState({ busy: false, error: null, conflict: false });
      dropDraft(domain, name);
    },
    [domain, name],
  );
  const put = async (tag: string): Promise<boolean> => {
    if (busy.current) return false;
    busy.current = true;
    setState({ busy: true, error: null, conflict: false });
    try {
      settle(document, await api.save(document, tag));
      return true;
    } catch (error) {
      const conflict = hasStatus(error, 412) || (hasStatus(error, 409) && tag === '');
      setState({ busy: false, error: conflict ? null : words(error), conflict });
      return false;
    } finally {
      busy.current = false;
    }
  };
  const overwrite = async () => {
    try {
      return await put((await api.load()).etag);
    } catch (error) {
      // It was deleted meanwhile: then it is new.
      if (hasStatus(error, 404)) return put('');
      setState({ busy: false, error: words(error), conflict: false });
      return false;
    }
  };
  useDraft({ domain, name }, document, etag, dirty);
  return {
    ...state,
    dirty,
    isNew: etag === '',
    save: () => put(etag),
    overwrite,
    settle,
    leaveConflict: () => setState({ busy: false, error: null, conflict: false }),
  };
}

function useDraft({ domain, name }: Place, document: FlowDocument, etag: string, dirty: boolean): void {
  useEffect(() => {
    if (!dirty) return;
    const keep = () => keepDraft(domain, name, { raw: document, etag, at: new Date().toISOString() });
    const timer = setTimeout(keep, DRAFT_MS);
    return () => clearTimeout(timer);
  }, [domain, name, document, etag, dirty]);
  useEffect(() => {
    if (!dirty) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [dirty]);
}
