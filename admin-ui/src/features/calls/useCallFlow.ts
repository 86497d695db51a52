import { useQuery } from '@tanstack/react-query';

import { api, type Schemas, taken } from '../../api/client';
import { Problem } from '../../api/problem';

/** The drawing that the call ran on, as it was then; `null`: its scenario is no drawn flow. */
export function useCallFlow(domain: string, { scenario, scenario_hash: hash }: Schemas['CallSummary']) {
  return useQuery({
    queryKey: ['version-flow', domain, scenario, hash],
    queryFn: async () => {
      const params = { path: { domain, name: scenario ?? '', hash: hash ?? '' } };
      try {
        return (await taken(api.GET('/domains/{domain}/scenarios/{name}/versions/{hash}/flow', { params }))).data;
      } catch (error) {
        if (error instanceof Problem && [404, 409, 422].includes(error.status)) return null;
        throw error;
      }
    },
    staleTime: Infinity,
    enabled: scenario !== null && hash !== null,
  });
}
