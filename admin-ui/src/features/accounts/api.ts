import { api, type Schemas, taken } from '../../api/client';

type New = { login: string; display_name: string; role: Schemas['Role']; user?: string; password: string };
type Change = { display_name?: string; password?: string; blocked?: boolean; role?: Schemas['Role']; user?: string };

/** The accounts of a domain, or, without one, the system's. */
export function accountsApi(d: string | undefined) {
  return {
    list: async () => {
      const page = d === undefined ? await taken(api.GET('/accounts', {}))
        : await taken(api.GET('/domains/{d}/accounts', { params: { path: { d } } }));
      return page.data.items;
    },
    create: (body: New) => d === undefined ? taken(api.POST('/accounts', { body }))
      : taken(api.POST('/domains/{d}/accounts', { params: { path: { d } }, body })),
    change: (login: string, body: Change) => d === undefined
      ? taken(api.PATCH('/accounts/{login}', { params: { path: { login } }, body }))
      : taken(api.PATCH('/domains/{d}/accounts/{login}', { params: { path: { d, login } }, body })),
    remove: (login: string) => d === undefined
      ? taken(api.DELETE('/accounts/{login}', { params: { path: { login } } }))
      : taken(api.DELETE('/domains/{d}/accounts/{login}', { params: { path: { d, login } } })),
  };
}
