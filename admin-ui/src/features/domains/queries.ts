import { queryOptions } from '@tanstack/react-query';

import { api, taken } from '../../api/client';

/** All domains that the account may see. */
export function domainsQuery() {
  return queryOptions({
    queryKey: ['domains'],
    queryFn: async () => (await taken(api.GET('/domains'))).data.items,
  });
}

/** One domain, and the tag that a change of it must show. */
export function readDomain(domain: string) {
  return taken(api.GET('/domains/{domain}', { params: { path: { domain } } }));
}
