/** What narrows the list of calls; it stands in the page's address, so that a link shows the same calls. */
export const FILTERS = ['since', 'until', 'number', 'user', 'scenario'] as const;
export type CallFilter = Partial<Record<(typeof FILTERS)[number], string>>;

/** The filter in a page's address. What the server would not understand is left out. */
export function filterOf(search: URLSearchParams): CallFilter {
  const filter: CallFilter = {};
  for (const key of FILTERS) {
    const value = search.get(key)?.trim();
    const moment = key === 'since' || key === 'until';
    if (value && !(moment && Number.isNaN(Date.parse(value)))) filter[key] = value;
  }
  return filter;
}

/** The address where these calls are exported. */
export function exportOf(domain: string, filter: CallFilter): string {
  const query = new URLSearchParams(filter).toString();
  return `/api/v1/domains/${encodeURIComponent(domain)}/calls.csv${query ? `?${query}` : ''}`;
}

/** A moment as a field of type `datetime-local` has it: in the browser's zone, without one. */
export function localOf(moment: string | undefined): string {
  if (!moment) return '';
  const at = new Date(moment);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
