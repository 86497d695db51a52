import { type QueryKey, useInfiniteQuery } from '@tanstack/react-query';

type Page<T> = { items: T[]; next?: string | null };

/** A list of the API, page by page: its items so far, and the query for `Listing`; asked for again every so many milliseconds. */
export function usePages<T>(queryKey: QueryKey, page: (cursor: { cursor?: string }) => Promise<Page<T>>, refetchInterval?: number) {
  const query = useInfiniteQuery({
    queryKey,
    ...(refetchInterval === undefined ? {} : { refetchInterval }),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor }) => page(cursor ? { cursor } : {}),
    getNextPageParam: ({ next }) => next ?? undefined,
  });
  return { query, items: query.data?.pages.flatMap(({ items }) => items) ?? [] };
}
