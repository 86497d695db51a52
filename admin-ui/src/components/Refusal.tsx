import { Alert, List, Text } from '@mantine/core';

import { Problem } from '../api/problem';
import { Failure } from './Failure';

/** `title`: what stands above the problems instead of the server's words. `shown`: as of `Failure`. */
type Props = { error: Error | null; title?: string; shown?: string[] };

/** Why a file was refused: everything at once, each with the part of it that is wrong or with its code. */
export function Refusal({ error, title, shown }: Props) {
  if (!(error instanceof Problem) || error.problems.length === 0) return <Failure error={error} shown={shown} />;
  return (
    <Alert color="red" role="alert" title={title ?? error.detail}>
      <List size="sm" spacing={4} mah={280} style={{ overflowY: 'auto' }} tabIndex={0}>
        {error.problems.map(({ at, code, detail }, index) => (
          <List.Item key={index} style={{ overflowWrap: 'anywhere' }}>
            {at && <Text span size="xs" ff="monospace">{at}: </Text>}
            {detail} {code && <Text span size="xs" c="dimmed" ff="monospace">{code}</Text>}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
