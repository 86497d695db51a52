import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { hasStatus } from '../api/problem';

export type Read<T> = { data: T; etag: string };
type Options<T> = {
  first: Read<T>;
  /** Reads it again, to show what somebody else has made of it. */
  read: () => Promise<Read<T>>;
  /** Saves what is in the form if the server still has what `etag` names. */
  save: (etag: string) => Promise<unknown>;
  onSaved: () => void;
  /** Puts into the form what the server has. */
  onTheirs: (data: T) => void;
};

/** Saves a form over what was read; where somebody else was faster, gives theirs and lets one choose. */
export function useSaving<T>({ first, read, save, onSaved, onTheirs }: Options<T>) {
  const [theirs, setTheirs] = useState<Read<T> | null>(null);
  const saving = useMutation({
    mutationFn: save,
    onSuccess: () => {
      setTheirs(null); // the next time it is the form's own that is saved over
      onSaved();
    },
    onError: async (error) => {
      if (hasStatus(error, 412)) setTheirs(await read());
    },
  });
  const { error } = saving;
  const conflict = hasStatus(error, 412) ? theirs : null;
  return {
    error,
    conflict,
    isPending: saving.isPending,
    submit: () => saving.mutate((theirs ?? first).etag),
    takeTheirs: () => {
      if (theirs) onTheirs(theirs.data);
      saving.reset();
    },
  };
}
