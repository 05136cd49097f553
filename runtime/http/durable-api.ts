import type { Clock } from '../engine/clock';
import type { EngineClient } from '../engine/client';
import type { Invoker } from '../engine/invoker';
import { isTerminal, StoreUnavailable } from '../engine/store';
import { entityApi } from './entity-api';
import {
  jsonOrText,
  notFound,
  queryFlag,
  queryNumber,
  queryValue,
  type ApiRequest,
  type ApiResponse,
} from './exchange';
import { historyView } from './history-view';
import { continuationHeader, filterOf, pageSize, statusBody, tokenOf, tokenText } from './instance-view';
import { bodyJson, isJsonType } from './json-body';
import { managementLinks, type LinkParts } from './links';
import { argumentError, invalidJson, sentResponse } from './responses';

export type DurableApiParts = {
  readonly client: EngineClient;
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly links: LinkParts;
  readonly defaultVersion: string | undefined;
  /** Resolves when the instance may have ended, or at the latest at `untilMs`. */
  readonly whenEnded: (instanceId: string, untilMs: number) => Promise<void>;
};

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
        return third === undefined ? entityApi(request, first, second, this.#parts) : notFound;
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
      ...statusBody(row, request.query),
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
      body: page.rows.map((row) => statusBody(row, request.query)),
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
    // Unlike an input, an event may be null.
    const sent = await this.#parts.client.raiseEvent(instanceId, name, input.text ?? 'null');
    return sentResponse(sent, instanceId, 'raiseEvent');
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
}
