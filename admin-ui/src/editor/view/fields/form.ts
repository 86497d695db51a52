import { createContext, useContext } from 'react';

import type { Names } from '../../api';
import type { FlowNode, Problem } from '../../model/index';

/** What the fields of the inspector know of the node at hand. */
export interface Form {
  node: FlowNode;
  problems: readonly Problem[];
  names: Names;
  /** Variables that may be set here, those that surely are first. */
  variables: readonly string[];
  /** Ids and names of all nodes, for ways on. */
  steps: { value: string; label: string }[];
  /** Sets a key of the action's body; `undefined` takes it away. */
  set: (key: string, value: unknown) => void;
  /** What is wrong at a path, in words. */
  wrong: (path: string) => string | undefined;
}

export const FormContext = createContext<Form | null>(null);

export function useForm(): Form {
  const form = useContext(FormContext);
  if (form === null) throw new Error('a field stands outside the inspector');
  return form;
}
