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
      { path: '*', element: <NotFound /> },
    ],
  },
]);
