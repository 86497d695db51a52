import { Text } from '@mantine/core';

import { useFormat } from '../lib/useFormat';

/** A moment, short, with all of it as a title; `none` where there is none. */
export function When({ at, none = '–' }: { at: string | null | undefined; none?: string }) {
  const format = useFormat();
  if (!at) return <Text span size="sm" c="dimmed">{none}</Text>;
  return <time dateTime={at} title={format.exact(at)}>{format.moment(at)}</time>;
}
