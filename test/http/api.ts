import { HttpRequest, type HttpResponseInit } from '@azure/functions';
import { BlobServiceClient } from '@azure/storage-blob';
import { z } from 'zod';
import { Agents, type AgentTransport } from '../../activities/agents';
import type { App } from '../../activities/app';
import { readSettings } from '../../activities/settings';
import { BlobStagingContainers } from '../../activities/staging/containers';
import { Documents } from '../../activities/storage/documents';
import { failed, failureOf, succeeded } from '../../contracts/failure';
import { inspectionRequest, known } from '../../contracts/inspection';
import { routes } from '../../functions/triggers';
import { generateSigningKey, signingKeyFrom } from '../../relay/signing';
import { healthyInspection } from '../samples/inspections';
import { StandInClient } from './stand-in-client';

export const knownVm = '11111111-2222-3333-4444-555555555555';

const vmFacts = {
  vmId: knownVm,
  name: 'app-1',
  state: 'running',
  generation: 2,
  configurationVersion: '9.0',
  processorCount: 2,
  memoryBytes: 1,
  switchName: null,
  configurationPath: '/vms',
  disks: [],
  vmCheckpointCount: 0,
  heartbeat: 'ok',
  reservedBy: null,
  fencedBy: null,
};

/** Nothing is wrong with these hosts, but that hv-b is out of memory. */
function inspectedBy(host: string, body: unknown) {
  const { describesVm, folder, vmId } = inspectionRequest.parse(body);
  const { host: facts, vm, place } = healthyInspection;
  const memory = known({ totalBytes: 4, freeBytes: 1 });
  return {
    ...healthyInspection,
    host: host === 'hv-b' ? { ...facts, memory } : facts,
    vm: describesVm && vmId === knownVm ? vm : null,
    place: folder === null ? null : place,
    imports: null,
  };
}

/** Host hv-a has one VM, hv-b none, hv-away does not answer. */
const transport: AgentTransport = {
  send: async ({ hostId, path, body }) => {
    if (hostId === 'hv-away') return failed(failureOf('RelayUnreachable', { message: 'no listener' }));
    if (path === `/v1/vms/${knownVm}` && hostId === 'hv-a') return succeeded({ status: 200, body: vmFacts });
    if (path.startsWith('/v1/vms/')) return failed(failureOf('VmNotFound', { message: `${hostId} has no such VM.` }));
    if (path === '/v1/vms')
      return succeeded({ status: 200, body: { items: hostId === 'hv-a' ? [vmFacts] : [], next: null } });
    if (path === '/v1/inspections') return succeeded({ status: 200, body: inspectedBy(hostId, body) });
    return failed(failureOf('NotFound', { message: path }));
  },
};

export type Answer = {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Record<string, unknown>;
};

/** The HTTP interface over real Blob Storage (Azurite), with a durable client and agents that stand in. */
export class Api {
  readonly client = new StandInClient();
  readonly app: App;
  now = new Date('2027-01-01T00:00:00Z');

  constructor(connectionString: string, container: string) {
    const { privateKeyBase64 } = generateSigningKey();
    const settings = readSettings({
      HYPERFERRY_HOSTS: 'hv-a,hv-b,hv-away',
      HYPERFERRY_RELAY_ENDPOINT: 'http://127.0.0.1:1',
      HYPERFERRY_SIGNING_KEY: privateKeyBase64,
    });
    const service = BlobServiceClient.fromConnectionString(connectionString);
    this.app = {
      settings,
      agents: new Agents(transport),
      documents: new Documents(service, container),
      staging: new BlobStagingContainers(service),
      signingKey: signingKeyFrom(privateKeyBase64),
      now: () => this.now,
    };
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const [pathname = '', query = ''] = path.split('?');
    const { route, params } = match(method, pathname);
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const request = new HttpRequest({
      method,
      url: `http://localhost/api/${path}`,
      headers,
      params,
      query: Object.fromEntries(new URLSearchParams(query)),
      ...(text === undefined ? {} : { body: { string: text } }),
    });
    return answerOf(await route.handle({ app: this.app, client: this.client.asClient, request }));
  }
}

function match(method: string, path: string) {
  for (const route of routes) {
    const pattern = new RegExp(`^${route.route.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const found = route.method === method ? pattern.exec(path) : null;
    if (found !== null) return { route, params: { ...found.groups } };
  }
  throw new Error(`no route for ${method} ${path}`);
}

const answerOf = (init: HttpResponseInit): Answer => ({
  status: init.status ?? 200,
  headers: z.record(z.string(), z.string()).parse(init.headers),
  body: z.record(z.string(), z.unknown()).parse(JSON.parse(z.string().parse(init.body))),
});
