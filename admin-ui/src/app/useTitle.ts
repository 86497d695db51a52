import { useEffect } from 'react';

/** Names the document after the page. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} – Tandem`;
  }, [title]);
}
