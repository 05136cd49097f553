import { randomUUID } from 'node:crypto';
import { request as sendRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { describeThrown } from '../../contracts/failure';
import type { HttpEnd } from '../host/supervisor';
import type { Log } from '../host/log';
import type { Call, WireFunction, WireRequest } from '../worker/messages';
import { readBody, refuseTooLarge } from './body';
import { authLevelOf, opensFunction, type AuthLevel, type Keys } from './keys';
import { parseRoute, type Route } from './route';

const httpBinding = z.looseObject({
  route: z.string().optional(),
  methods: z.array(z.string()).optional(),
  authLevel: z.string().default('anonymous'),
});

/** A function that HTTP reaches. */
export type Endpoint = {
  readonly functionName: string;
  readonly route: Route;
  /** In upper case; empty for all. */
  readonly methods: readonly string[];
  readonly authLevel: AuthLevel;
};

/** The endpoints of the app's HTTP functions, those that say most first; a route that cannot be read is reported by name. */
export function endpointsOf(
  functions: readonly WireFunction[],
  routePrefix: string,
  onError: (message: string) => void,
): Endpoint[] {
  return functions
    .filter((wire) => wire.kind === 'http')
    .flatMap((wire): Endpoint[] => {
      const binding = httpBinding.parse(wire.bindings[wire.triggerName]);
      const route = parseRoute(`${routePrefix}/${binding.route ?? wire.name}`);
      if (route.kind === 'unreadable') {
        onError(`Function '${wire.name}' is not reachable: ${route.reason}`);
        return [];
      }
      const methods = (binding.methods ?? []).map((method) => method.toUpperCase());
      return [{ functionName: wire.name, route: route.value, methods, authLevel: authLevelOf(binding.authLevel) }];
    })
    .sort((a, b) => (a.route.precedence < b.route.precedence ? -1 : a.route.precedence > b.route.precedence ? 1 : 0));
}

export type Found =
  | { readonly kind: 'found'; readonly endpoint: Endpoint; readonly params: Record<string, string> }
  | { readonly kind: 'wrongMethod'; readonly allowed: readonly string[] }
  | { readonly kind: 'none' };

/** The endpoint for a request. HEAD goes where GET goes when nobody takes it itself. */
export function findEndpoint(endpoints: readonly Endpoint[], method: string, segments: readonly string[]): Found {
  const matches = endpoints.flatMap((endpoint) => {
    const params = endpoint.route.match(segments);
    return params === undefined ? [] : [{ endpoint, params }];
  });
  const takes = (wanted: string) =>
    matches.find(({ endpoint }) => endpoint.methods.length === 0 || endpoint.methods.includes(wanted));
  const found = takes(method) ?? (method === 'HEAD' ? takes('GET') : undefined);
  if (found !== undefined) return { kind: 'found', ...found };
  if (matches.length === 0) return { kind: 'none' };
  const allowed = new Set(matches.flatMap(({ endpoint }) => endpoint.methods));
  if (allowed.has('GET')) allowed.add('HEAD');
  return { kind: 'wrongMethod', allowed: [...allowed, 'OPTIONS'] };
}

/** Who runs HTTP functions. */
export interface FunctionCaller {
  /** Where the app takes streamed requests; null when it does not stream. */
  httpUri(): Promise<string | null>;
  request(functionName: string, call: Extract<Call, { kind: 'http' }>, invocationId: string): Promise<HttpEnd>;
}

export type FunctionCallParts = {
  readonly functions: FunctionCaller;
  readonly log: Log;
  readonly bodyBytesMax: number;
  /** Undefined when keys are not checked. */
  readonly keys: Keys | undefined;
  readonly customHeaders: Readonly<Record<string, string>>;
};

/** Calls an HTTP function and writes its answer. */
export async function callFunction(
  found: Extract<Found, { kind: 'found' }>,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  parts: FunctionCallParts,
): Promise<void> {
  const { endpoint, params } = found;
  if (
    parts.keys !== undefined &&
    !opensFunction(parts.keys, endpoint.authLevel, endpoint.functionName, offeredKey(request, url))
  ) {
    answer(response, 401);
    return;
  }
  for (const [name, value] of Object.entries(parts.customHeaders)) response.setHeader(name, value);
  const wire: WireRequest = {
    method: request.method ?? 'GET',
    url: url.href,
    headers: headersOf(request),
    query: Object.fromEntries(url.searchParams),
    params,
    body: null,
  };
  const streamTo = await parts.functions.httpUri();
  if (streamTo !== null) {
    await streamed(streamTo, endpoint, wire, request, response, parts);
    return;
  }
  const body = await readBody(request, parts.bodyBytesMax);
  if (body.kind === 'tooLarge') refuseTooLarge(request, response);
  else if (body.kind === 'read') {
    const text = body.bytes.length === 0 ? null : body.bytes.toString('base64');
    const call = { kind: 'http' as const, request: { ...wire, body: text } };
    writeEnd(response, await parts.functions.request(endpoint.functionName, call, randomUUID()), endpoint, parts.log);
  }
}

/** The key of a request: the header, or `code` in the address. */
export function offeredKey(request: IncomingMessage, url: URL): string | undefined {
  const header = request.headers['x-functions-key'];
  return typeof header === 'string' ? header : (url.searchParams.get('code') ?? undefined);
}

function headersOf(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

/** Ends a request without a body. */
export function answer(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-length': '0' });
  response.end();
}

function writeEnd(response: ServerResponse, ended: HttpEnd, endpoint: Endpoint, log: Log): void {
  switch (ended.kind) {
    case 'http': {
      const { status, headers, cookies, body } = ended.response;
      writeResponse(response, status, headers, cookies, body === null ? Buffer.alloc(0) : Buffer.from(body, 'base64'));
      return;
    }
    case 'returned':
      // A function that returns nothing.
      answer(response, 204);
      return;
    case 'threw':
      log.line('error', `Function.${endpoint.functionName}`, `${ended.name}: ${ended.message} ${ended.stack}`);
      answer(response, 500);
      return;
    case 'lost':
      log.line('error', `Function.${endpoint.functionName}`, `the worker was lost: ${ended.reason}`);
      answer(response, 500);
      return;
    case 'stopped':
      answer(response, 503, { 'retry-after': '5' });
      return;
  }
}

function writeResponse(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  cookies: readonly string[],
  body: Buffer,
): void {
  if (response.headersSent || response.destroyed) return;
  try {
    for (const [name, value] of Object.entries(headers)) if (!isHopByHop(name)) response.setHeader(name, value);
    if (cookies.length > 0) response.setHeader('set-cookie', [...cookies]);
    if (status !== 204 && status !== 304) response.setHeader('content-length', body.length);
    response.writeHead(status);
    response.end(body);
  } catch {
    // What the function returned is no valid status or header.
    answer(response, 500);
  }
}

/** Headers that belong to one connection (RFC 9110, section 7.6.1), and the length, which is counted here. */
const isHopByHop = (name: string): boolean =>
  ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te', 'trailer', 'content-length'].includes(
    name.toLowerCase(),
  );

/** Passes a request on to the worker's own HTTP server, where `@azure/functions` takes it as a stream by its invocation id. */
async function streamed(
  streamTo: string,
  endpoint: Endpoint,
  wire: WireRequest,
  request: IncomingMessage,
  response: ServerResponse,
  parts: FunctionCallParts,
): Promise<void> {
  const invocationId = randomUUID();
  const source = new URL(wire.url);
  const upstream = sendRequest(new URL(`${source.pathname}${source.search}`, streamTo), {
    method: wire.method,
    headers: {
      ...request.headers,
      'x-ms-invocation-id': invocationId,
      'x-forwarded-host': source.host,
      'x-forwarded-proto': source.protocol.replace(':', ''),
    },
  });
  const answered = new Promise<void>((resolve) => {
    upstream.on('response', (incoming) => {
      const { 'x-ms-invocation-id': _, ...headers } = incoming.headers;
      response.writeHead(incoming.statusCode ?? 500, headers);
      pipeline(incoming, response).then(resolve, () => resolve());
    });
    upstream.on('error', (error) => {
      parts.log.line('error', `Function.${endpoint.functionName}`, `stream: ${describeThrown(error)}`);
      answer(response, 500);
      resolve();
    });
  });
  request.pipe(upstream);
  const ended = await parts.functions.request(endpoint.functionName, { kind: 'http', request: wire }, invocationId);
  if (ended.kind === 'threw' || ended.kind === 'lost' || ended.kind === 'stopped') {
    upstream.destroy();
    writeEnd(response, ended, endpoint, parts.log);
    return;
  }
  await answered;
}
