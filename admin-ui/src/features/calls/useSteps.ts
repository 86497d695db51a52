import { useQuery, type UseQueryResult } from '@tanstack/react-query';

import { api, type Schemas, taken } from '../../api/client';

export type StepsQuery = UseQueryResult<Schemas['Step'][]>;

/** What the call's scenario asked for, and what came of it. A call without a scenario has no steps. */
export function useSteps(domain: string, { id, scenario, journal_stored }: Schemas['CallSummary']): StepsQuery {
  return useQuery({
    queryKey: ['call-steps', domain, id],
    queryFn: async () => (await taken(api.GET('/domains/{d}/calls/{id}/steps', { params: { path: { d: domain, id } } }))).data.steps,
    staleTime: Infinity,
    enabled: scenario !== null && journal_stored,
  });
}
