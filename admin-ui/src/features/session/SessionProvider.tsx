import { Center, Loader } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, setCsrf, taken, whenExpired } from '../../api/client';
import { Problem } from '../../api/problem';
import { LoadError } from '../../components/Loading';
import { LoginDialog } from './LoginDialog';
import { LoginPage } from './LoginPage';

type Session = Schemas['Session'];
const Context = createContext<{ session: Session; logOut: () => Promise<void>; renew: () => void } | null>(null);

export function useSession() {
  const context = useContext(Context);
  if (!context) throw new Error('no session above this component');
  return context;
}

/** Asks who is logged in; shows the login page to nobody, and a dialog over the page when a session ends. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const { i18n } = useTranslation();
  const queries = useQueryClient();
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [expired, setExpired] = useState(false);
  const [failure, setFailure] = useState<Error | null>(null);

  const begin = (next: Session) => {
    // Another account must see nothing of what the one before had loaded.
    if (session && session.account.login !== next.account.login) queries.clear();
    setCsrf(next.csrf);
    setSession(next);
    setExpired(false);
    if (next.account.language) void i18n.changeLanguage(next.account.language);
    void queries.invalidateQueries();
  };
  const ask = () => {
    setFailure(null);
    taken(api.GET('/session')).then(
      ({ data }) => begin(data),
      (error: Error) => (error instanceof Problem && error.status === 401 ? setSession(null) : setFailure(error)),
    );
  };
  useEffect(() => {
    whenExpired(() => setExpired(true));
    ask();
  }, []);

  const logOut = async () => {
    await taken(api.DELETE('/session'));
    queries.clear();
    setCsrf('');
    setSession(null);
  };
  /** Asks for the session again, after the account has changed what is in it. */
  const renew = () => {
    taken(api.GET('/session')).then(({ data }) => setSession(data), () => undefined);
  };
  if (failure) return <LoadError error={failure} onRetry={ask} />;
  if (session === undefined) return <Center h="100vh"><Loader aria-label="Tandem" /></Center>;
  if (session === null) return <LoginPage onSession={begin} />;
  return (
    <Context.Provider value={{ session, logOut, renew }}>
      {children}
      <LoginDialog opened={expired} login={session.account.login} onSession={begin} />
    </Context.Provider>
  );
}
