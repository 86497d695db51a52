import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

/** Many events at once are one reason to ask again. */
const GATHER_MS = 400;
/** The record of a call is written so long after its end, or sooner. */
const WRITTEN_MS = 3000;
/** After so long a stream that the server refused is asked for again. */
const AGAIN_MS = 15_000;

/**
 * Follows the domain's calls and has what shows them asked for again. Gives whether it follows: while it does not, who
 * shows calls asks by the clock. A page that nobody sees follows nothing.
 */
export function useCallEvents(domain: string, enabled = true): boolean {
  const queries = useQueryClient();
  const [follows, setFollows] = useState(false);
  useEffect(() => {
    if (!enabled) return undefined;
    let source: EventSource | null = null;
    let gathering: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    let writing: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const list = () => {
      writing = undefined;
      void queries.invalidateQueries({ queryKey: ['calls', domain] });
    };
    const tell = () => {
      gathering = undefined;
      void queries.invalidateQueries({ queryKey: ['calls-active', domain] });
      if (ended) writing ??= setTimeout(list, WRITTEN_MS);
      ended = false;
    };
    const close = () => {
      source?.close();
      source = null;
      clearTimeout(again);
      setFollows(false);
    };
    const open = () => {
      close();
      if (document.hidden) return;
      source = new EventSource(`/api/v1/domains/${encodeURIComponent(domain)}/events`);
      source.onopen = () => setFollows(true);
      source.onerror = () => {
        setFollows(false);
        if (source?.readyState === EventSource.CLOSED) again = setTimeout(open, AGAIN_MS);
      };
      const told = ({ type, data }: MessageEvent<string>) => {
        ended ||= type === 'lost' || stateOf(data) === 'ended';
        gathering ??= setTimeout(tell, GATHER_MS);
      };
      source.addEventListener('call', told);
      source.addEventListener('lost', told);
    };
    open();
    document.addEventListener('visibilitychange', open);
    return () => {
      document.removeEventListener('visibilitychange', open);
      clearTimeout(gathering);
      clearTimeout(writing);
      close();
    };
  }, [domain, enabled, queries]);
  return follows;
}

function stateOf(data: string): string | undefined {
  try {
    return (JSON.parse(data) as { state?: string }).state;
  } catch {
    return undefined;
  }
}
