import { useQuery } from '@tanstack/react-query';

import { api, taken } from '../../api/client';

/** The domain's scenarios, each with its newest version. */
export function useScenarios(domain: string) {
  return useQuery({
    queryKey: ['scenarios', domain],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/scenarios', { params: { path: { domain } } }))).data.scenarios,
  });
}

/** The versions of one of them, newest first; none is asked for where it has no name yet. */
export function useVersions(domain: string, name: string) {
  return useQuery({
    queryKey: ['versions', domain, name],
    queryFn: async () => {
      const params = { path: { domain, name } };
      return (await taken(api.GET('/domains/{domain}/scenarios/{name}/versions', { params }))).data.versions;
    },
    enabled: name !== '',
  });
}
