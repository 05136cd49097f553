import type { EngineClient, Sent } from '../engine/client';
import { missingFunction } from '../engine/failure';
import type { Invoker } from '../engine/invoker';
import { isTerminal, runtimeStatuses, StoreUnavailable, type InstanceFilter, type InstanceRow } from '../engine/store';
import type { Clock } from '../engine/clock';
import {
  jsonOrText,
  notFound,
  queryFlag,
  queryNumber,
  queryTimeMs,
  queryValue,
  type ApiRequest,
  type ApiResponse,
} from './exchange';
import { historyView } from './history-view';
import { managementLinks, type LinkParts } from './links';

export type DurableApiParts = {
  readonly client: EngineClient;
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly links: LinkParts;
  readonly defaultVersion: string | undefined;
  /** Resolves when the instance may have ended, or at the latest at `untilMs`. */
  readonly whenEnded: (instanceId: string, untilMs: number) => Promise<void>;
};

/** Instances of one page when the client names no number; the Azure Storage provider's. */
const pageSizeDefault = 100;
const pageSizeMax = 1000;
const continuationHeader = 'x-ms-continuation-token';

/** The management API of Durable Functions (HttpApiHandler of the extension, 3.19), over the engine's client. */
export class DurableApi {
  readonly #parts: DurableApiParts;

  constructor(parts: DurableApiParts) {
    this.#parts = parts;
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    try {
      return await this.#route(request);
    } catch (thrown) {
      if (!(thrown instanceof StoreUnavailable)) throw thrown;
      return { status: 503, headers: { 'retry-after': '5' }, body: { Message: thrown.message } };
    }
  }

  async #route(request: ApiRequest): Promise<ApiResponse> {
    const [collection, first, second, third, ...more] = request.segments;
    if (more.length > 0) return notFound;
    switch (collection?.toLowerCase()) {
      case 'orchestrators':
        if (request.method !== 'POST' || first === undefined || third !== undefined) return notFound;
        return this.#start(request, first, second);
      case 'instances':
        return this.#instances(request, first, second, third);
      case 'entities':
        return third === undefined ? this.#entities(request, first, second) : notFound;
      default:
        return notFound;
    }
  }

  async #instances(
    request: ApiRequest,
    instanceId: string | undefined,
    operation: string | undefined,
    eventName: string | undefined,
  ): Promise<ApiResponse> {
    const { method } = request;
    if (instanceId === undefined) {
      if (method === 'GET') return this.#list(request);
      return method === 'DELETE' ? this.#purgeMany(request) : notFound;
    }
    if (operation === undefined) {
      if (method === 'GET') return this.#status(request, instanceId);
      return method === 'DELETE' ? this.#purge(instanceId) : notFound;
    }
    if (method !== 'POST') return notFound;
    if (operation.toLowerCase() === 'raiseevent' && eventName !== undefined) {
      return this.#raiseEvent(request, instanceId, eventName);
    }
    return eventName === undefined ? this.#operate(request, instanceId, operation) : notFound;
  }

  async #operate(request: ApiRequest, instanceId: string, operation: string): Promise<ApiResponse> {
    const { client } = this.#parts;
    const reason = queryValue(request.query, 'reason') ?? null;
    switch (operation.toLowerCase()) {
      case 'terminate':
        return sentResponse(await client.terminate(instanceId, reason), instanceId, 'terminate');
      case 'suspend':
        return sentResponse(await client.suspend(instanceId, reason), instanceId, 'suspend');
      case 'resume':
        return sentResponse(await client.resume(instanceId, reason), instanceId, 'resume');
      case 'rewind':
        return this.#rewind(instanceId);
      case 'restart':
        return this.#restart(request, instanceId);
      default:
        return notFound;
    }
  }

  async #start(request: ApiRequest, name: string, instanceId: string | undefined): Promise<ApiResponse> {
    const input = bodyJson(request.body);
    if (input.kind === 'invalid') return invalidJson(input.message);
    const started = await this.#parts.client.start({
      name,
      instanceId,
      version: queryValue(request.query, 'version') ?? this.#parts.defaultVersion,
      input: input.text,
    });
    switch (started.kind) {
      case 'invalidId':
        return argumentError('One or more of the arguments submitted is incorrect', started.reason);
      case 'exists':
        return {
          status: 409,
          body: {
            Message: `An orchestration with id '${started.instanceId}' already exists. It is in state ${started.status}`,
          },
        };
      case 'started':
        return this.#accepted(request, started.instanceId);
    }
  }

  /** The answer to a start: at once, or when the instance has ended if the client asked to wait for that. */
  async #accepted(request: ApiRequest, instanceId: string): Promise<ApiResponse> {
    const timeoutS = queryNumber(request.query, 'timeout');
    if (timeoutS === undefined || queryNumber(request.query, 'pollingInterval') === undefined) {
      return this.#checkStatus(request, instanceId);
    }
    await this.#parts.whenEnded(instanceId, this.#parts.clock.now() + timeoutS * 1000);
    const row = this.#parts.client.instance(instanceId);
    if (row === undefined || !isTerminal(row.status)) return this.#checkStatus(request, instanceId);
    return row.status === 'Completed'
      ? { status: 200, body: jsonOrText(row.output) }
      : this.#status(request, instanceId);
  }

  #checkStatus(request: ApiRequest, instanceId: string): ApiResponse {
    const { rewindPostUri: _, ...links } = managementLinks(this.#parts.links, request.url.origin, instanceId);
    return {
      status: 202,
      headers: { location: links['statusQueryGetUri'] ?? '', 'retry-after': '10' },
      body: links,
    };
  }

  #status(request: ApiRequest, instanceId: string): ApiResponse {
    const row = this.#parts.client.instance(instanceId);
    if (row === undefined) return notFound;
    const withHistory = queryFlag(request.query, 'showHistory') === true && row.status !== 'Pending';
    const view = {
      showOutput: queryFlag(request.query, 'showHistoryOutput') ?? false,
      showInput: queryFlag(request.query, 'showInput') ?? true,
    };
    const body = {
      ...statusBody(row),
      ...(withHistory ? { historyEvents: historyView(this.#parts.client.history(instanceId), view) } : {}),
    };
    if (!isTerminal(row.status)) {
      return { status: 202, headers: { location: request.url.href, 'retry-after': '5' }, body };
    }
    const isError = row.status === 'Failed' && queryFlag(request.query, 'returnInternalServerErrorOnFailure') === true;
    return { status: isError ? 500 : 200, body };
  }

  #list(request: ApiRequest): ApiResponse {
    const size = pageSize(request.query);
    const filter = { ...filterOf(request.query), idPrefix: queryValue(request.query, 'instanceIdPrefix') };
    const page = this.#parts.client.list(filter, tokenOf(request), size);
    return {
      status: 200,
      headers: { [continuationHeader]: tokenText(page.next) },
      body: page.rows.map(statusBody),
    };
  }

  async #purge(instanceId: string): Promise<ApiResponse> {
    const purged = await this.#parts.client.purge(instanceId);
    switch (purged.kind) {
      case 'purged':
        return { status: 200, body: { instancesDeleted: 1 } };
      case 'notFound':
        return notFound;
      case 'active':
        return {
          status: 412,
          body: `Only orchestrations in a terminal state can be purged, but the orchestration with instance ID ${instanceId} has status ${purged.status}`,
        };
    }
  }

  async #purgeMany(request: ApiRequest): Promise<ApiResponse> {
    const filter = filterOf(request.query);
    if (filter.createdFromMs === undefined) {
      return { status: 400, body: "Please provide value for 'createdTimeFrom' parameter." };
    }
    const instancesDeleted = await this.#parts.client.purgeMany(filter);
    return instancesDeleted === 0 ? notFound : { status: 200, body: { instancesDeleted } };
  }

  async #raiseEvent(request: ApiRequest, instanceId: string, name: string): Promise<ApiResponse> {
    const row = this.#parts.client.instance(instanceId);
    if (row === undefined) return notFound;
    if (isTerminal(row.status)) return { status: 410 };
    if (!isJsonType(request.headers['content-type'])) {
      return { status: 400, body: { Message: 'Only application/json request content is supported' } };
    }
    const input = bodyJson(request.body);
    if (input.kind === 'invalid' || request.body.trim() === '') {
      const message =
        input.kind === 'invalid' ? input.message : "Error reading JToken from JsonReader. Path '', line 0, position 0.";
      return invalidJson(message);
    }
    return sentResponse(await this.#parts.client.raiseEvent(instanceId, name, input.text), instanceId, 'raiseEvent');
  }

  async #rewind(instanceId: string): Promise<ApiResponse> {
    const rewound = await this.#parts.client.rewind(instanceId);
    switch (rewound.kind) {
      case 'rewound':
        return { status: 202 };
      case 'notFound':
        return { status: 404, body: `No orchestration with instance ID "${instanceId}" found.` };
      case 'notFailed':
        return {
          status: 412,
          body: `This orchestration has status ${rewound.status}, but only orchestrations in the "Failed" state can be rewound.`,
        };
    }
  }

  async #restart(request: ApiRequest, instanceId: string): Promise<ApiResponse> {
    const isNew = queryFlag(request.query, 'restartWithNewInstanceId') ?? true;
    const started = await this.#parts.client.restart(instanceId, isNew ? 'new' : 'same');
    if (started?.kind === 'started') return this.#accepted(request, started.instanceId);
    const reason =
      started === undefined
        ? `No instance with ID '${instanceId}' was found. (Parameter 'instanceId')`
        : `An instance with ID '${instanceId}' has not finished yet.`;
    return argumentError('InstanceId does not match a valid orchestration instance.', reason);
  }

  async #entities(request: ApiRequest, name: string | undefined, key: string | undefined): Promise<ApiResponse> {
    if (request.method === 'GET') {
      if (name === undefined || key === undefined) return this.#listEntities(request, name);
      const state = this.#parts.client.entity({ name, key });
      return state === undefined ? notFound : { status: 200, body: jsonOrText(state.state) };
    }
    if (name === undefined || key === undefined || !['POST', 'DELETE'].includes(request.method)) return notFound;
    const missing = missingFunction(this.#parts.invoker, name.toLowerCase(), 'entity');
    if (missing !== undefined) return { status: 400, body: { Message: missing } };
    const input = entityInput(request);
    if (input.kind === 'invalid')
      return { status: 400, body: { Message: `Could not parse JSON content: ${input.message}` } };
    const operation = request.method === 'DELETE' ? 'delete' : (queryValue(request.query, 'op') ?? '');
    await this.#parts.client.signalEntity({ name, key }, operation, input.text);
    return { status: 202 };
  }

  #listEntities(request: ApiRequest, name: string | undefined): ApiResponse {
    const prefix = name === undefined ? '@' : `@${name.toLowerCase()}@`;
    const page = this.#parts.client.listEntities(prefix, tokenOf(request), pageSize(request.query));
    const withState = queryFlag(request.query, 'fetchState') ?? true;
    return {
      status: 200,
      headers: { [continuationHeader]: tokenText(page.next) },
      body: page.entities.map(({ entityId, lastOperationTime, state }) => ({
        entityId,
        lastOperationTime,
        ...(withState ? { state: jsonOrText(state) } : {}),
      })),
    };
  }
}

const pageSize = (query: URLSearchParams): number =>
  Math.min(Math.max(Math.trunc(queryNumber(query, 'top') ?? pageSizeDefault), 1), pageSizeMax);

/** A token is the id to go on after; ids may hold anything, headers may not. */
const tokenText = (next: string | undefined): string =>
  next === undefined ? '' : Buffer.from(next).toString('base64url');
const tokenOf = (request: ApiRequest): string =>
  Buffer.from(request.headers[continuationHeader] ?? '', 'base64url').toString('utf8');

/** An unknown status is no filter at all, as in the extension. */
function filterOf(query: URLSearchParams): InstanceFilter {
  const named = [...query]
    .filter(([key]) => key.toLowerCase() === 'runtimestatus')
    .flatMap(([, value]) => value.split(','));
  const statuses = runtimeStatuses.filter((status) => named.includes(status));
  return {
    createdFromMs: queryTimeMs(query, 'createdTimeFrom'),
    createdToMs: queryTimeMs(query, 'createdTimeTo'),
    statuses: statuses.length === 0 ? undefined : statuses,
  };
}

const secondsText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const statusBody = (row: InstanceRow): object => ({
  name: row.name,
  instanceId: row.instanceId,
  runtimeStatus: row.status,
  input: jsonOrText(row.input),
  customStatus: jsonOrText(row.customStatus),
  output: jsonOrText(row.output),
  createdTime: secondsText(row.createdAtMs),
  lastUpdatedTime: secondsText(row.updatedAtMs),
});

function sentResponse(sent: Sent, instanceId: string, verb: string): ApiResponse {
  switch (sent.kind) {
    case 'sent':
      return { status: 202 };
    case 'notFound':
      return notFound;
    case 'finished':
      return { status: 410 };
    case 'wrongState':
      return {
        status: 500,
        body: {
          Message: 'Something went wrong while processing your request',
          ExceptionMessage: `Cannot ${verb} the orchestration instance ${instanceId} because instance is in the ${sent.status} state.`,
          ExceptionType: 'System.InvalidOperationException',
          StackTrace: '',
        },
      };
  }
}

type BodyJson =
  { readonly kind: 'valid'; readonly text: string | null } | { readonly kind: 'invalid'; readonly message: string };

/** The body as JSON text without needless space; none for an empty body or a JSON null. */
function bodyJson(body: string): BodyJson {
  if (body.trim() === '') return { kind: 'valid', text: null };
  try {
    const value: unknown = JSON.parse(body);
    return { kind: 'valid', text: value === null ? null : JSON.stringify(value) };
  } catch (thrown) {
    return { kind: 'invalid', message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

const isJsonType = (contentType: string | undefined): boolean =>
  contentType?.split(';')[0]?.trim().toLowerCase() === 'application/json';

/** An operation's input: JSON as it is, any other text as a JSON string. */
function entityInput(request: ApiRequest): BodyJson {
  if (request.body === '') return { kind: 'valid', text: null };
  if (isJsonType(request.headers['content-type'])) return bodyJson(request.body);
  return { kind: 'valid', text: JSON.stringify(request.body) };
}

const invalidJson = (message: string): ApiResponse => ({
  status: 400,
  body: {
    Message: 'Invalid JSON content',
    ExceptionMessage: message,
    ExceptionType: 'Newtonsoft.Json.JsonReaderException',
    StackTrace: '',
  },
});

const argumentError = (message: string, reason: string): ApiResponse => ({
  status: 400,
  body: { Message: message, ExceptionMessage: reason, ExceptionType: 'System.ArgumentException', StackTrace: '' },
});
