import { useSession } from './SessionProvider';

/** Whether the account may change what its domain has. */
export function useMayEdit() {
  const { role } = useSession().session.account;
  return role === 'system' || role === 'administrator';
}
