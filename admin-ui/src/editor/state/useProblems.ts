import { useCallback, useDeferredValue, useMemo, useState } from 'react';

import type { Names } from '../api';
import { countErrors, validate } from '../model/index';
import type { Flow, Known, Problem } from '../model/index';

const NONE: Problem[] = [];

/** What is wrong with the flow: what the editor finds at once, and what the server said of this very flow. */
export function useProblems(flow: Flow, names: Names, self: string) {
  const known = useMemo(() => knownOf(names, self), [names, self]);
  const checked = useDeferredValue(flow);
  const own = useMemo(() => validate(checked, known), [checked, known]);
  const [server, setServer] = useState<{ flow: Flow; problems: Problem[] } | null>(null);
  const told = server?.flow === checked ? server.problems : NONE;
  const problems = useMemo(() => {
    const seen = new Set(own.map(keyOf));
    return [...own, ...told.filter((problem) => !seen.has(keyOf(problem)))];
  }, [own, told]);
  const marks = useMemo(() => marksOf(problems), [problems]);
  const errors = countErrors(problems);
  const ofServer = useCallback((of: Flow, found: Problem[]) => setServer({ flow: of, problems: found }), []);
  return { problems, marks, errors, warnings: problems.length - errors, ofServer };
}

function keyOf({ node, path, code }: Problem): string {
  return `${node ?? ''} ${path} ${code}`;
}

function marksOf(problems: readonly Problem[]): Map<string, { errors: number; warnings: number }> {
  const marks = new Map<string, { errors: number; warnings: number }>();
  for (const { node, severity } of problems) {
    if (node === null) continue;
    const { errors, warnings } = marks.get(node) ?? { errors: 0, warnings: 0 };
    marks.set(node, severity === 'error' ? { errors: errors + 1, warnings } : { errors, warnings: warnings + 1 });
  }
  return marks;
}

function knownOf(names: Names, self: string): Known {
  const known: Known = { self };
  for (const key of ['users', 'prompts', 'schedules', 'flows', 'numbers'] as const) {
    const list = names[key];
    if (list !== undefined) known[key] = new Set(list);
  }
  return known;
}
