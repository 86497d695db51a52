import { useQuery } from '@tanstack/react-query';

import { api, taken } from '../../api/client';
import { useCallEvents } from './useCallEvents';

/** The calls that are going on: after every event, and by the clock, more often where there are no events. */
export function useActiveCalls(domain: string, enabled = true) {
  const follows = useCallEvents(domain, enabled);
  return useQuery({
    queryKey: ['calls-active', domain],
    queryFn: async () => (await taken(api.GET('/domains/{domain}/calls/active', { params: { path: { domain } } }))).data.items,
    refetchInterval: follows ? 30_000 : 5_000,
    enabled,
  });
}
