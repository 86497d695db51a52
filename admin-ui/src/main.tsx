import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './i18n';
import './app/app.css';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { RouterProvider } from 'react-router';

import { Problem } from './api/problem';
import { Look } from './app/Look';
import { router } from './app/router';
import { SessionProvider } from './features/session/SessionProvider';

const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5_000, retry: (times, error) => !(error instanceof Problem) && times < 2 },
  },
});
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';

// Dialogs hold the page's scrolling by a style of their own, which asks here (package get-nonce).
Object.assign(globalThis, { __webpack_nonce__: nonce });

createRoot(document.getElementById('root') as HTMLElement).render(
  <Look nonce={nonce}>
    <QueryClientProvider client={queries}>
      <SessionProvider>
        <RouterProvider router={router} />
      </SessionProvider>
    </QueryClientProvider>
  </Look>,
);
