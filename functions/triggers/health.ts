import { app as functionsApp, type HttpResponseInit } from '@azure/functions';
import { json } from './answers';
import type { Call, Route } from './context';

/** `GET /api/health/ready`: whether storage and every agent answer. 503 when the app cannot move anything. */
async function ready({ app }: Call): Promise<HttpResponseInit> {
  const storage = await app.documents.list('due/');
  const hosts = await Promise.all(
    app.settings.HYPERFERRY_HOSTS.map(async (id) => {
      const answer = await app.agents.host(id);
      return { hostId: id, reachable: answer.ok, failure: answer.ok ? null : answer.failure };
    }),
  );
  const able = storage.ok && hosts.some((host) => host.reachable);
  return json(able ? 200 : 503, { ready: able, storage: storage.ok ? 'ok' : storage.failure, hosts });
}

export const healthRoutes: readonly Route[] = [
  { name: 'health-ready', method: 'GET', route: 'health/ready', handle: ready },
];

/** `GET /api/health/live` needs no key and says nothing of the surroundings. */
export function registerLiveness(): void {
  functionsApp.http('health-live', {
    route: 'health/live',
    methods: ['GET'],
    authLevel: 'anonymous',
    handler: () => Promise.resolve(json(200, { live: true })),
  });
}
