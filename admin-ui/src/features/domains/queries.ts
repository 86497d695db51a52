import { queryOptions } from '@tanstack/react-query';

import { api, type Schemas, taken } from '../../api/client';

/** All domains that the account may see. */
export function domainsQuery() {
  return queryOptions({
    queryKey: ['domains'],
    queryFn: async (): Promise<Schemas['Domain'][]> => {
      const items: Schemas['Domain'][] = [];
      let cursor: string | undefined;
      do {
        const query = { limit: 1000, ...(cursor ? { cursor } : {}) };
        const page = (await taken(api.GET('/domains', { params: { query } }))).data;
        items.push(...page.items);
        cursor = page.next ?? undefined;
      } while (cursor);
      return items;
    },
  });
}

/** One domain, and the tag that a change of it must show. */
export function readDomain(d: string) {
  return taken(api.GET('/domains/{d}', { params: { path: { d } } }));
}
