import { lazy, Suspense } from 'react';
import { Navigate } from 'react-router';

import { useSession } from '../features/session/SessionProvider';

const DomainList = lazy(async () => ({ default: (await import('../features/domains/DomainList')).DomainList }));

/** The system's accounts see the domains; a domain's go to theirs, and its users to what is their own. */
export function Home() {
  const { domain, role } = useSession().session.account;
  if (domain && role === 'user') return <Navigate to={`/domains/${encodeURIComponent(domain)}/me`} replace />;
  if (domain) return <Navigate to={`/domains/${encodeURIComponent(domain)}`} replace />;
  return <Suspense fallback={null}><DomainList /></Suspense>;
}
