import type { FormEvent } from 'react';

/** What a form does when it is sent, without the browser leaving the page. */
export function inPlace(send: () => unknown) {
  return (event: FormEvent) => {
    event.preventDefault();
    send();
  };
}
