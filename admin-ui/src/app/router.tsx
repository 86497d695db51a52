import { createBrowserRouter, Navigate } from 'react-router';

import { Home } from './Home';
import { NotFound } from './NotFound';
import { Shell } from './Shell';

export const router = createBrowserRouter([
  {
    element: <Shell />,
    HydrateFallback: () => null,
    children: [
      { index: true, element: <Home /> },
      { path: 'domains/:domain', element: <Navigate to="users" replace /> },
      {
        path: 'domains/:domain/users',
        lazy: async () => ({ Component: (await import('../features/users/UserList')).UserList }),
      },
      {
        path: 'domains/:domain/numbers',
        lazy: async () => ({ Component: (await import('../features/numbers/NumberList')).NumberList }),
      },
      {
        path: 'domains/:domain/numbers/:number',
        lazy: async () => ({ Component: (await import('../features/numbers/NumberPage')).NumberPage }),
      },
      {
        path: 'domains/:domain/scenarios',
        lazy: async () => ({ Component: (await import('../features/scenarios/ScenarioList')).ScenarioList }),
      },
      {
        path: 'domains/:domain/scenarios/:scenario',
        lazy: async () => ({ Component: (await import('../features/scenarios/ScenarioPage')).ScenarioPage }),
      },
      {
        path: 'domains/:domain/flows',
        lazy: async () => ({ Component: (await import('../features/flows/FlowList')).FlowList }),
      },
      { path: 'domains/:domain/flows/:name', lazy: async () => ({ Component: (await import('../editor')).default }) },
      {
        path: 'domains/:domain/calls',
        lazy: async () => ({ Component: (await import('../features/calls/CallList')).CallList }),
      },
      {
        path: 'domains/:domain/calls/:id',
        lazy: async () => ({ Component: (await import('../features/calls/CallPage')).CallPage }),
      },
      { path: '*', element: <NotFound /> },
    ],
  },
]);
