import { api, type Schemas, taken } from '../../api/client';

type New = { login: string; display_name: string; role: Schemas['Role']; user?: string; password: string };
type Change = { display_name?: string; password?: string; blocked?: boolean; role?: Schemas['Role']; user?: string };

/** The accounts of a domain, or, without one, the system's. */
export function accountsApi(domain: string | undefined) {
  return {
    list: async () => {
      const page = domain === undefined ? await taken(api.GET('/accounts', {}))
        : await taken(api.GET('/domains/{domain}/accounts', { params: { path: { domain } } }));
      return page.data.items;
    },
    create: (body: New) => domain === undefined ? taken(api.POST('/accounts', { body }))
      : taken(api.POST('/domains/{domain}/accounts', { params: { path: { domain } }, body })),
    change: (login: string, body: Change) => domain === undefined
      ? taken(api.PATCH('/accounts/{login}', { params: { path: { login } }, body }))
      : taken(api.PATCH('/domains/{domain}/accounts/{login}', { params: { path: { domain, login } }, body })),
    remove: (login: string) => domain === undefined
      ? taken(api.DELETE('/accounts/{login}', { params: { path: { login } } }))
      : taken(api.DELETE('/domains/{domain}/accounts/{login}', { params: { path: { domain, login } } })),
  };
}
