import { useSession } from '../session/SessionProvider';

/** Which user of which domain the account is; of an account that is none both are empty. */
export function useMe() {
  const { domain, user } = useSession().session.account;
  return { domain: domain ?? '', user: user ?? '' };
}
