import type { HttpResponseInit } from '@azure/functions';
import { failureOf } from '../../contracts/failure';
import { hostId } from '../../contracts/ids';
import { json, problemOf } from './answers';
import { parseParameter } from './body';
import type { Call, Route } from './context';

/** `GET /api/hosts`: every host of the configuration, asked now; one that does not answer says why. */
async function list({ app }: Call): Promise<HttpResponseInit> {
  const items = await Promise.all(
    app.settings.HYPERFERRY_HOSTS.map(async (id) => {
      const facts = await app.agents.host(id);
      return facts.ok
        ? { hostId: id, reachable: true, facts: facts.value, failure: null }
        : { hostId: id, reachable: false, facts: null, failure: facts.failure };
    }),
  );
  return json(200, { items, next: null });
}

/** `GET /api/hosts/{host}/vms` */
async function vms({ app, request }: Call): Promise<HttpResponseInit> {
  const host = parseParameter('host', request.params['host'], hostId);
  if (!host.ok) return host.answer;
  if (!app.settings.HYPERFERRY_HOSTS.includes(host.value)) {
    const message = `There is no host ${host.value}; this app knows ${app.settings.HYPERFERRY_HOSTS.join(', ')}.`;
    return problemOf(failureOf('NotFound', { message, subject: { field: 'host', value: host.value } }));
  }
  const found = await app.agents.vms(host.value);
  return found.ok ? json(200, { items: found.value, next: null }) : problemOf(found.failure);
}

export const hostRoutes: readonly Route[] = [
  { name: 'list-hosts', method: 'GET', route: 'hosts', handle: list },
  { name: 'list-vms', method: 'GET', route: 'hosts/{host}/vms', handle: vms },
];
