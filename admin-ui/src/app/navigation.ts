import {
  IconAddressBook, IconCalendarClock, IconHistory, IconKey, IconLayoutDashboard, IconMusic, IconSettings, IconShieldLock,
  IconUsers, IconWorld, IconPhone, IconHash, IconRoute, IconPuzzle, IconMail, IconUser, IconPhoneIncoming,
} from '@tabler/icons-react';
import type { ComponentType } from 'react';

import type { Schemas } from '../api/client';

type Role = Schemas['Role'];
export type Entry = {
  /** What follows `/domains/DOMAIN/`, or `/` for the system's pages; empty: the first page. */
  path: string;
  label: string;
  icon: ComponentType<{ size?: number }>;
  roles: Role[];
};
type Group = { label: string; entries: Entry[] };

const seeing: Role[] = ['system', 'administrator', 'supervisor'];
const managing: Role[] = ['system', 'administrator'];

/** The pages of a domain, by group. */
export const ofDomain: Group[] = [
  {
    label: 'me.mine',
    entries: [
      { path: 'me', label: 'me.title', icon: IconUser, roles: ['user'] },
      { path: 'my-calls', label: 'me.calls', icon: IconPhone, roles: ['user'] },
      { path: 'my-voicemail', label: 'me.voicemail', icon: IconMail, roles: ['user'] },
    ],
  },
  {
    label: 'shell.telephony',
    entries: [
      { path: '', label: 'dashboard.title', icon: IconLayoutDashboard, roles: seeing },
      { path: 'users', label: 'users.title', icon: IconUsers, roles: seeing },
      { path: 'calls', label: 'calls.title', icon: IconPhone, roles: seeing },
      { path: 'numbers', label: 'numbers.title', icon: IconHash, roles: managing },
      { path: 'lines', label: 'lines.title', icon: IconPhoneIncoming, roles: managing },
      { path: 'flows', label: 'flows.title', icon: IconRoute, roles: managing },
      { path: 'scenarios', label: 'scenarios.title', icon: IconPuzzle, roles: managing },
      { path: 'schedules', label: 'schedules.title', icon: IconCalendarClock, roles: seeing },
      { path: 'prompts', label: 'prompts.title', icon: IconMusic, roles: seeing },
      { path: 'voicemail', label: 'voicemail.title', icon: IconMail, roles: seeing },
    ],
  },
  {
    label: 'shell.administration',
    entries: [
      { path: 'settings', label: 'settings.title', icon: IconSettings, roles: managing },
      { path: 'accounts', label: 'accounts.title', icon: IconShieldLock, roles: managing },
      { path: 'tokens', label: 'tokens.title', icon: IconKey, roles: managing },
      { path: 'audit', label: 'audit.title', icon: IconHistory, roles: managing },
    ],
  },
];

/** The pages of the whole system. */
export const ofSystem: Group[] = [
  {
    label: 'shell.system',
    entries: [
      { path: '', label: 'domains.title', icon: IconWorld, roles: ['system'] },
      { path: 'accounts', label: 'accounts.system', icon: IconAddressBook, roles: ['system'] },
      { path: 'audit', label: 'audit.title', icon: IconHistory, roles: ['system'] },
    ],
  },
];
