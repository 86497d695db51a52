import { Conflict, type Difference } from './Conflict';
import { Failure } from './Failure';

type Props = {
  saving: { error: Error | null; conflict: object | null; submit: () => void; takeTheirs: () => void };
  shown: string[]; differences: () => Difference[];
};

/** Why a form was not saved: the choice between mine and theirs, or the reason. */
export function SaveProblem({ saving, shown, differences }: Props) {
  return saving.conflict
    ? <Conflict differences={differences()} onMine={saving.submit} onTheirs={saving.takeTheirs} />
    : <Failure error={saving.error} shown={shown} />;
}
