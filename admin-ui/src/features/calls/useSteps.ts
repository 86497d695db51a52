import { useQuery, type UseQueryResult } from '@tanstack/react-query';

import { api, type Schemas, taken } from '../../api/client';
import { Problem } from '../../api/problem';

/** `null`: they were not kept, or not for so long. */
export type StepsQuery = UseQueryResult<Schemas['CallStep'][] | null>;

/** What the call's scenario asked for, and what came of it. A call without a scenario has no steps. */
export function useSteps(domain: string, { id, scenario, journal_stored }: Schemas['CallSummary']): StepsQuery {
  return useQuery({
    queryKey: ['call-steps', domain, id],
    queryFn: async () => {
      try {
        return (await taken(api.GET('/domains/{domain}/calls/{id}/steps', { params: { path: { domain, id } } }))).data.steps;
      } catch (error) {
        if (error instanceof Problem && [404, 410].includes(error.status)) return null;
        throw error;
      }
    },
    staleTime: Infinity,
    enabled: scenario !== null && journal_stored,
  });
}
