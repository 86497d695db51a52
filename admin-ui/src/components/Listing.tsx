import { Button, Table, Text } from '@mantine/core';
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { LoadError, Loading } from './Loading';
import { WideTable } from './WideTable';

type Props<T> = {
  label: string; columns: string[]; empty: string; items: T[]; row: (item: T) => ReactNode;
  query: Pick<UseInfiniteQueryResult, 'isPending' | 'isError' | 'error' | 'refetch'> &
    Partial<Pick<UseInfiniteQueryResult, 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'>>;
};

/** A table of what was asked for: while it loads, when it failed, when there is nothing, and more of it. */
export function Listing<T>({ label, columns, empty, items, row, query }: Props<T>) {
  const { t } = useTranslation();
  if (query.isPending) return <Loading h={200} />;
  if (query.isError && query.error) return <LoadError error={query.error} onRetry={query.refetch} />;
  if (items.length === 0) return <Text c="dimmed">{empty}</Text>;
  return (
    <>
      <WideTable label={label} minWidth={560} highlightOnHover>
        <Table.Thead>
          <Table.Tr>{columns.map((column) => <Table.Th key={column} scope="col" ta={column === t('common.actions') ? 'right' : undefined}>{column}</Table.Th>)}</Table.Tr>
        </Table.Thead>
        <Table.Tbody>{items.map(row)}</Table.Tbody>
      </WideTable>
      {query.hasNextPage && (
        <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage?.()}>
          {t('common.more')}
        </Button>
      )}
    </>
  );
}
