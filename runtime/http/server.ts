import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { describeThrown } from '../../contracts/failure';
import type { Log } from '../host/log';
import { readBody, refuseTooLarge } from './body';
import type { ApiRequest, ApiResponse } from './exchange';
import { answer } from './function-endpoint';

/** Time for a client to send its headers, and its whole request; slower ones get a 408. */
const headersMsMax = 15_000;
const requestMsMax = 60_000;
/** An idle connection is kept as long as by the server of the Functions host; a short time races with clients that use it again. */
const keepAliveMsMax = 130_000;
const timeouts = {
  headersTimeout: headersMsMax,
  requestTimeout: requestMsMax,
  keepAliveTimeout: keepAliveMsMax,
  connectionsCheckingInterval: 5_000,
};
/** Connections that wait to be accepted; beyond them the operating system resets what a busy host has not come to. */
const backlog = 4096;
/** A connection on which nothing moves for so long is closed, answer or not. */
const idleMsMax = 10 * 60_000;

export type Handler = (request: IncomingMessage, response: ServerResponse, target: Target) => Promise<void>;

/** Where a request goes: the address and its path, decoded. */
export type Target = { readonly url: URL; readonly segments: readonly string[] };

/** An HTTP server on the loopback interface with bounds for slow and broken clients. */
export class LoopbackServer {
  readonly #server: Server;
  readonly #log: Log;

  constructor(handler: Handler, log: Log) {
    this.#log = log;
    this.#server = createServer(timeouts, (request, response) => {
      void this.#handle(handler, request, response);
    });
    this.#server.timeout = idleMsMax;
  }

  /** Begins to listen and returns the port. Rejects when the port is taken. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: '127.0.0.1', backlog }, () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Takes no new connections, lets running requests finish for at most `msMax`, then cuts them off. */
  async close(msMax: number): Promise<void> {
    const late = setTimeout(() => this.#server.closeAllConnections(), msMax);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
    clearTimeout(late);
  }

  async #handle(handler: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const target = targetOf(request);
      if (target === undefined) answer(response, 400);
      else await handler(request, response, target);
    } catch (thrown) {
      this.#log.error(`A request failed inside the runtime: ${describeThrown(thrown)}`);
      answer(response, 500);
    }
  }
}

function targetOf(request: IncomingMessage): Target | undefined {
  try {
    const asked = request.url ?? '/';
    // A client that takes this server for a proxy sends the whole address (RFC 9112, section 3.2.2).
    const isAbsolute = /^https?:\/\//i.test(asked);
    const url = new URL(isAbsolute ? asked : `http://${request.headers.host ?? 'localhost'}${asked}`);
    const segments = url.pathname
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
    return { url, segments };
  } catch {
    return undefined;
  }
}

export type ApiBase = {
  /** Segments of the path that belong to the base. */
  readonly skip: number;
  readonly bodyBytesMax: number;
};

/** Reads a request of the runtime's own interfaces, handles it and writes the answer. */
export async function serveApi(
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  base: ApiBase,
  handle: (request: ApiRequest) => Promise<ApiResponse>,
): Promise<void> {
  const body = await readBody(request, base.bodyBytesMax);
  if (body.kind === 'tooLarge') refuseTooLarge(request, response);
  if (body.kind !== 'read') return;
  const isHead = request.method === 'HEAD';
  const answered = await handle({
    method: isHead ? 'GET' : (request.method ?? 'GET'),
    segments: target.segments.slice(base.skip),
    query: target.url.searchParams,
    url: target.url,
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
    ),
    body: body.bytes.toString('utf8'),
  });
  writeJson(response, answered);
}

function writeJson(response: ServerResponse, answered: ApiResponse): void {
  if (answered.body === undefined) {
    answer(response, answered.status, answered.headers);
    return;
  }
  const text = JSON.stringify(answered.body);
  response.writeHead(answered.status, {
    ...answered.headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
