import { describeThrown, failed, failureOf, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import type { HostFacts } from '../../contracts/facts';
import { operationId, runId, vmId, type HostId, type OperationId } from '../../contracts/ids';
import type { Inspection, StorageInspection } from '../../contracts/inspection';
import { controlMessageBytesMax } from '../../contracts/limits';
import type { StagingAccess } from '../../contracts/operations';
import { jsonResponse, type RelayRequest, type RelayResponse, type RequestHandler } from '../../relay/exchange';
import { isoTime, type Clock } from '../clock';
import type { HyperVDriver } from '../hyperv/driver';
import type { Log } from '../log';
import type { OperationRunner } from '../operations/runner';
import { agentVersion } from '../version';
import { answerFailure, answerOutcome, noSuchRoute } from './answers';
import { inspectSeeds } from '../inspect-seeds';
import { parseAccess, parseInspection, parseOperation } from './body';
import { pageOf } from './pages';
import { idIfGiven, idOf, splitTarget, waitMsOf } from './query';

export type RouterParts = {
  readonly hostId: HostId;
  readonly driver: Pick<HyperVDriver, 'vms' | 'vm' | 'inspect' | 'locateSeed' | 'leftovers'>;
  readonly runner: OperationRunner;
  /** Gives an operation of the staged route newer access to its container. */
  readonly renewAccess: (operationId: OperationId, access: StagingAccess) => Outcome<unknown>;
  /** Asks the storage of the staged route, with access to read. Changes nothing there, and never rejects. */
  readonly lookAtStorage: (access: StagingAccess) => Promise<StorageInspection>;
  /** Everything about this host, the byte route included. */
  readonly host: () => Promise<HostFacts>;
  /** Whether a request is the app's; see relay/signed-request.ts. */
  readonly authenticate: (request: RelayRequest) => Outcome<unknown>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
};

type Call = { readonly request: RelayRequest; readonly query: URLSearchParams; readonly id: string };
type Route = {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: RegExp;
  readonly answer: (call: Call) => Outcome<unknown> | Promise<Outcome<unknown>>;
};

/**
 * The agent's interface (docs/protocol.md): a request in, a response out, nothing else touched. All but the health needs a signature of
 * the app. Reading never waits for an operation, unless `waitMs` asks for it.
 */
export function createRouter(parts: RouterParts): RequestHandler {
  const { authenticate, log } = parts;
  const routes = [...hostRoutes(parts), ...operationRoutes(parts)];

  return async (request) => {
    const { path, query } = splitTarget(request.path);
    if (request.method === 'GET' && path === '/v1/health') return health(parts);
    try {
      const genuine = authenticate(request);
      if (!genuine.ok) return refuse(genuine.failure, request);
      for (const route of routes) {
        const match = route.method === request.method ? route.path.exec(path) : null;
        if (match !== null) return answerOutcome(await route.answer({ request, query, id: match[1] ?? '' }));
      }
      return answerFailure(noSuchRoute(request.method, path));
    } catch (thrown) {
      const message = `${request.method} ${path}: ${describeThrown(thrown)}`;
      log.error('request not answered', { reason: message });
      return answerFailure(failureOf('AgentError', { message }));
    }
  };

  function refuse(failure: Failure, request: RelayRequest): RelayResponse {
    log.warn('request refused', { method: request.method, path: request.path.slice(0, 200), reason: failure.message });
    return answerFailure(failure);
  }
}

const health = ({ hostId, clock }: RouterParts): RelayResponse =>
  jsonResponse(200, { status: 'ok', hostId, agentVersion, contract: 1, at: isoTime(clock.now()) });

function hostRoutes({ hostId, driver, runner, host, lookAtStorage }: RouterParts): Route[] {
  async function vms(query: URLSearchParams): Promise<Outcome<unknown>> {
    const after = idIfGiven(vmId, 'after', query);
    if (!after.ok) return after;
    const page = { after: after.value, bytesMax: controlMessageBytesMax };
    return succeeded(pageOf(await driver.vms(), (vm) => vm.vmId, page));
  }

  async function vm(text: string): Promise<Outcome<unknown>> {
    const id = idOf(vmId, 'vmId', text);
    if (!id.ok) return id;
    const found = await driver.vm(id.value);
    if (found !== undefined) return succeeded(found);
    const subject = { host: hostId, vmId: id.value };
    return failed(failureOf('VmNotFound', { message: `${hostId} has no VM ${id.value}`, subject }));
  }

  async function leftovers(query: URLSearchParams): Promise<Outcome<unknown>> {
    const run = idIfGiven(runId, 'run', query);
    if (!run.ok) return run;
    const underWay = runner.underWay(run.value).map((operation) => ({
      what: 'running-operation',
      runId: operation.runId,
      detail: `${operation.task.kind} ${operation.operationId}`,
    }));
    return succeeded({ items: [...(await driver.leftovers(run.value)), ...underWay] });
  }

  async function inspect(body: Uint8Array): Promise<Outcome<Inspection>> {
    const request = parseInspection(body);
    if (!request.ok) return request;
    const { seeds, storage } = request.value;
    // Beside the others: an end that does not answer takes its time.
    const looking = storage && lookAtStorage(storage);
    const seen = seeds && (await inspectSeeds((path) => driver.locateSeed(path), seeds));
    const inspected = await driver.inspect(request.value);
    const met = await looking;
    return succeeded({
      agentVersion,
      contract: 1,
      ...inspected,
      ...(seen && { seeds: seen }),
      ...(met && { storage: met }),
    });
  }

  return [
    { method: 'POST', path: /^\/v1\/inspections$/, answer: ({ request }) => inspect(request.body) },
    { method: 'GET', path: /^\/v1\/host$/, answer: async () => succeeded(await host()) },
    { method: 'GET', path: /^\/v1\/vms$/, answer: ({ query }) => vms(query) },
    { method: 'GET', path: /^\/v1\/vms\/([^/]+)$/, answer: ({ id }) => vm(id) },
    { method: 'GET', path: /^\/v1\/leftovers$/, answer: ({ query }) => leftovers(query) },
  ];
}

function operationRoutes({ runner, renewAccess }: RouterParts): Route[] {
  async function start({ request, query, id }: Call): Promise<Outcome<unknown>> {
    const operation = idOf(operationId, 'operationId', id);
    if (!operation.ok) return operation;
    const waitMs = waitMsOf(query);
    if (!waitMs.ok) return waitMs;
    const parsed = parseOperation(operation.value, request.body);
    if (!parsed.ok) return parsed;
    const started = await runner.start(parsed.value);
    return started.ok ? runner.waitForEnd(operation.value, waitMs.value, request.signal) : started;
  }

  async function look({ request, query, id }: Call): Promise<Outcome<unknown>> {
    const operation = idOf(operationId, 'operationId', id);
    if (!operation.ok) return operation;
    const waitMs = waitMsOf(query);
    return waitMs.ok ? runner.waitForEnd(operation.value, waitMs.value, request.signal) : waitMs;
  }

  async function cancel({ request, query, id }: Call): Promise<Outcome<unknown>> {
    const operation = idOf(operationId, 'operationId', id);
    if (!operation.ok) return operation;
    const waitMs = waitMsOf(query);
    if (!waitMs.ok) return waitMs;
    const asked = await runner.cancel(operation.value);
    return asked.ok ? runner.waitForEnd(operation.value, waitMs.value, request.signal) : asked;
  }

  async function renew({ request, id }: Call): Promise<Outcome<unknown>> {
    const operation = idOf(operationId, 'operationId', id);
    if (!operation.ok) return operation;
    const access = parseAccess(request.body);
    return access.ok ? renewAccess(operation.value, access.value) : access;
  }

  return [
    { method: 'PUT', path: /^\/v1\/operations\/([^/]+)$/, answer: start },
    { method: 'GET', path: /^\/v1\/operations\/([^/]+)$/, answer: look },
    { method: 'POST', path: /^\/v1\/operations\/([^/]+)\/cancel$/, answer: cancel },
    { method: 'POST', path: /^\/v1\/operations\/([^/]+)\/staging-access$/, answer: renew },
  ];
}
