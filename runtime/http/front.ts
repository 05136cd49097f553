import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../host/log';
import { adminApi, type HostStatus } from './admin';
import type { DurableApi } from './durable-api';
import {
  answer,
  callFunction,
  findEndpoint,
  offeredKey,
  type Endpoint,
  type FunctionCaller,
} from './function-endpoint';
import { healthApi, type Health } from './health';
import { opensAdmin, opensDurableApi, type Keys } from './keys';
import { isFromThisMachine } from './loopback';
import { serveApi, type Target } from './server';

export type FrontParts = {
  readonly functions: FunctionCaller;
  /** Whether keys are asked for; without them only requests of this machine's programs are served. */
  readonly auth: 'on' | 'off';
  readonly keys: Keys;
  readonly bodyBytesMax: number;
  readonly customHeaders: Readonly<Record<string, string>>;
  readonly status: () => HostStatus;
  readonly health: () => Health;
  readonly log: Log;
};

/** The limit of the web server that the extension opens for the worker's client (Kestrel's default). */
const rpcBodyBytesMax = 30_000_000;

/** What is served once the app has been loaded. */
export type Served = { readonly api: DurableApi; readonly endpoints: readonly Endpoint[] };

/** Where requests go: to the host's own pages, the durable management API, or a function; and which key each of them asks for. */
export class HttpFront {
  readonly #parts: FrontParts;
  #served: Served | undefined;
  #isOpen = false;

  constructor(parts: FrontParts) {
    this.#parts = parts;
  }

  /** Serves the app from now on; before that it is answered 503. */
  open(served: Served): void {
    this.#served = served;
    this.#isOpen = true;
  }

  /** Takes no more requests from outside. The worker's client is served on, for the functions that still run. */
  close(): void {
    this.#isOpen = false;
  }

  async serve(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const [first, second, third] = target.segments.map((segment) => segment.toLowerCase());
    const key = offeredKey(request, target.url);
    const { auth, keys, bodyBytesMax } = this.#parts;
    const served = this.#served;
    if (auth === 'off' && !isFromThisMachine(request)) {
      answer(response, 403);
    } else if (first === 'admin') {
      if (target.segments[2] !== 'ping' && auth === 'on' && !opensAdmin(keys, key)) answer(response, 401);
      else {
        await serveApi(request, response, target, { skip: 1, bodyBytesMax }, async (api) =>
          adminApi(api, this.#parts.status),
        );
      }
    } else if (this.#isHealthPage(request, target, first)) {
      const base = { skip: 0, bodyBytesMax };
      await serveApi(request, response, target, base, async (api) => healthApi(api, this.#parts.health));
    } else if (served === undefined || !this.#isOpen) {
      answer(response, 503, { 'retry-after': '1' });
    } else if (first === 'runtime' && second === 'webhooks' && third === 'durabletask') {
      if (auth === 'on' && !opensDurableApi(keys, key)) answer(response, 401);
      else await serveApi(request, response, target, { skip: 3, bodyBytesMax }, (call) => served.api.handle(call));
    } else {
      await this.#serveFunction(request, response, target, served.endpoints);
    }
  }

  /** A function of the app that has such a path goes first. */
  #isHealthPage(request: IncomingMessage, target: Target, first: string | undefined): boolean {
    if (target.segments.length !== 1 || (first !== 'healthz' && first !== 'readyz')) return false;
    return findEndpoint(this.#served?.endpoints ?? [], request.method ?? 'GET', target.segments).kind === 'none';
  }

  /** The interface of the worker's durable client: the same, without a key. */
  async serveRpc(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const served = this.#served;
    if (!isFromThisMachine(request)) answer(response, 403);
    else if (target.segments[0] !== 'durabletask') answer(response, 404);
    else if (served === undefined) answer(response, 503);
    else
      await serveApi(request, response, target, { skip: 1, bodyBytesMax: rpcBodyBytesMax }, (call) =>
        served.api.handle(call),
      );
  }

  async #serveFunction(
    request: IncomingMessage,
    response: ServerResponse,
    target: Target,
    endpoints: readonly Endpoint[],
  ): Promise<void> {
    const found = findEndpoint(endpoints, request.method ?? 'GET', target.segments);
    switch (found.kind) {
      case 'none':
        answer(response, 404);
        return;
      case 'wrongMethod':
        answer(response, request.method === 'OPTIONS' ? 204 : 405, { allow: found.allowed.join(', ') });
        return;
      case 'found': {
        const { auth, keys } = this.#parts;
        await callFunction(found, request, response, target.url, {
          ...this.#parts,
          keys: auth === 'off' ? undefined : keys,
        });
      }
    }
  }
}
