import { useMemo } from 'react';

import { useActiveCalls } from '../../features/calls/useActiveCalls';

/** How many calls are at each step of the published flow now, by the steps' ids. */
export function useLiveCounts(domain: string, name: string): Record<string, number> {
  const { data } = useActiveCalls(domain);
  const nodes = (data ?? []).flatMap(({ scenario, node }) => (scenario === name && node ? [node] : []));
  // The drawing is not looked at again while the same calls are at the same steps.
  const key = nodes.sort().join('\n');
  return useMemo(() => {
    const counts: Record<string, number> = {};
    for (const node of key === '' ? [] : key.split('\n')) counts[node] = (counts[node] ?? 0) + 1;
    return counts;
  }, [key]);
}
