import { queryOptions } from '@tanstack/react-query';

import { api, type Schemas, taken } from '../../api/client';
import { flowApi } from '../../editor/api';

/** The scenario whose numbers are lines. */
export const LINE = 'line';

/** The domain's lines: the numbers that start the stock scenario `line`. */
export function linesQuery(domain: string) {
  return queryOptions({
    // Beside the numbers, with which they become stale.
    queryKey: ['numbers', domain, { scenario: LINE }],
    queryFn: async () => {
      const lines: Schemas['Number'][] = [];
      let cursor: string | undefined;
      do {
        const query = { q: LINE, limit: 1000, ...(cursor ? { cursor } : {}) };
        const page = (await taken(api.GET('/domains/{domain}/numbers', { params: { path: { domain }, query } }))).data;
        lines.push(...page.items.filter(({ scenario }) => scenario === LINE));
        cursor = page.next ?? undefined;
      } while (cursor);
      return lines;
    },
  });
}

/** What rules can name: the domain's users, numbers, schedules and prompts. */
export function namesQuery(domain: string) {
  return queryOptions({ queryKey: ['names', domain], queryFn: () => flowApi(domain, '').names(), staleTime: 30_000 });
}

/** Says which rule decides a call that nobody makes. */
export async function testLine(domain: string, body: Schemas['LineTest']): Promise<Schemas['LineTested']> {
  return (await taken(api.POST('/domains/{domain}/lines/test', { params: { path: { domain } }, body }))).data;
}
