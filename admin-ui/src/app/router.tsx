import { createBrowserRouter } from 'react-router';

import { Home } from './Home';
import { NotFound } from './NotFound';
import { PageError } from './PageError';
import { Shell } from './Shell';

export const router = createBrowserRouter([
  {
    element: <Shell />,
    HydrateFallback: () => null,
    children: [
      {
        errorElement: <PageError />,
        children: [
          { index: true, element: <Home /> },
          { path: 'accounts', lazy: async () => ({ Component: (await import('../features/accounts/AccountList')).AccountList }) },
          { path: 'audit', lazy: async () => ({ Component: (await import('../features/audit/AuditLog')).AuditLog }) },
          {
            path: 'domains/:domain',
            children: [
              { index: true, lazy: async () => ({ Component: (await import('../features/dashboard/Dashboard')).Dashboard }) },
              { path: 'users', lazy: async () => ({ Component: (await import('../features/users/UserList')).UserList }) },
              { path: 'numbers', lazy: async () => ({ Component: (await import('../features/numbers/NumberList')).NumberList }) },
              { path: 'numbers/:number', lazy: async () => ({ Component: (await import('../features/numbers/NumberPage')).NumberPage }) },
              { path: 'lines', lazy: async () => ({ Component: (await import('../features/lines/LineList')).LineList }) },
              { path: 'lines/:number', lazy: async () => ({ Component: (await import('../features/lines/LinePage')).LinePage }) },
              { path: 'scenarios', lazy: async () => ({ Component: (await import('../features/scenarios/ScenarioList')).ScenarioList }) },
              { path: 'scenarios/:scenario', lazy: async () => ({ Component: (await import('../features/scenarios/ScenarioPage')).ScenarioPage }) },
              { path: 'flows', lazy: async () => ({ Component: (await import('../features/flows/FlowList')).FlowList }) },
              { path: 'flows/:name', lazy: async () => ({ Component: (await import('../editor')).default }) },
              { path: 'calls', lazy: async () => ({ Component: (await import('../features/calls/CallList')).CallList }) },
              { path: 'calls/:id', lazy: async () => ({ Component: (await import('../features/calls/CallPage')).CallPage }) },
              { path: 'schedules', lazy: async () => ({ Component: (await import('../features/schedules/ScheduleList')).ScheduleList }) },
              { path: 'schedules/:name', lazy: async () => ({ Component: (await import('../features/schedules/EditSchedule')).EditSchedule }) },
              { path: 'prompts', lazy: async () => ({ Component: (await import('../features/prompts/PromptList')).PromptList }) },
              { path: 'voicemail', lazy: async () => ({ Component: (await import('../features/voicemail/BoxList')).BoxList }) },
              { path: 'voicemail/:box', lazy: async () => ({ Component: (await import('../features/voicemail/BoxPage')).BoxPage }) },
              { path: 'me', lazy: async () => ({ Component: (await import('../features/me/Profile')).Profile }) },
              { path: 'my-calls', lazy: async () => ({ Component: (await import('../features/me/MyCalls')).MyCalls }) },
              { path: 'my-voicemail', lazy: async () => ({ Component: (await import('../features/me/MyVoicemail')).MyVoicemail }) },
              { path: 'settings', lazy: async () => ({ Component: (await import('../features/domains/DomainSettings')).DomainSettings }) },
              { path: 'accounts', lazy: async () => ({ Component: (await import('../features/accounts/AccountList')).AccountList }) },
              { path: 'tokens', lazy: async () => ({ Component: (await import('../features/tokens/TokenList')).TokenList }) },
              { path: 'audit', lazy: async () => ({ Component: (await import('../features/audit/AuditLog')).AuditLog }) },
            ],
          },
          { path: '*', element: <NotFound /> },
        ],
      },
    ],
  },
]);
