import type { HttpResponseInit } from '@azure/functions';
import { gather, runChecks } from '../../activities/preflight';
import { migrationRequest } from '../../contracts/migration';
import { checkHosts } from './accept';
import { json, problemOf } from './answers';
import { parseBody } from './body';
import type { Call, Route } from './context';

/** `POST /api/preflight`: judges a request as the gate of its run would, and changes nothing. 200 with the findings, whatever they are. */
async function look({ app, request }: Call): Promise<HttpResponseInit> {
  const body = await parseBody(request, migrationRequest);
  if (!body.ok) return body.answer;
  const hosts = checkHosts(app, body.value);
  if (!hosts.ok) return problemOf(hosts.failure);
  return json(200, runChecks(await gather(app, body.value, null)));
}

export const preflightRoute: Route = { name: 'preflight-migration', method: 'POST', route: 'preflight', handle: look };
