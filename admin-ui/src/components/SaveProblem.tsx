import { useRef } from 'react';

import { useFocusWrong } from '../lib/useFocusWrong';
import { Conflict, type Difference } from './Conflict';
import { Failure } from './Failure';

type Props = {
  saving: { error: Error | null; conflict: object | null; submit: () => void; takeTheirs: () => void };
  shown: string[]; differences: () => Difference[];
};

/** Why a form was not saved: the choice between mine and theirs, or the reason. Stands first in the form. */
export function SaveProblem({ saving, shown, differences }: Props) {
  const here = useRef<HTMLDivElement>(null);
  useFocusWrong({ get current() { return here.current?.closest('form') ?? null; } }, saving.conflict ?? saving.error);
  return (
    <div ref={here} hidden={!saving.error}>
      {saving.conflict
        ? <Conflict differences={differences()} onMine={saving.submit} onTheirs={saving.takeTheirs} />
        : <Failure error={saving.error} shown={shown} />}
    </div>
  );
}
