import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ControlChannel } from './emulator-channel';
import { answerAsRelay, createExchange, hopHeaders, type SenderRequest } from './emulator-exchange';
import type { EmulatorContext } from './emulator-options';
import type { RendezvousDesk } from './emulator-rendezvous';
import { checkToken, tokenOf } from './emulator-tokens';

type Target = {
  /** The hybrid connection: the first segment. */
  readonly path: string;
  /** What the listener sees: everything but the relay's own parameters. */
  readonly requestTarget: string;
  readonly query: URLSearchParams;
};

/** Undefined when the target is no path. Parameters that begin with `sb-hc-` are the relay's and end here. */
function targetOf(url: string | undefined): Target | undefined {
  const [pathname = '', ...rest] = (url ?? '').split('?');
  const segment = /^\/([^/]+)/.exec(pathname)?.[1];
  if (segment === undefined) return undefined;
  const query = rest.join('?');
  const kept = query.split('&').filter((parameter) => parameter !== '' && !/^sb-hc-/i.test(parameter));
  return {
    path: segment,
    requestTarget: kept.length === 0 ? pathname : `${pathname}?${kept.join('&')}`,
    query: new URLSearchParams(query),
  };
}

/** The sender's headers as the listener gets them: without those of the hop and the relay's token, with `Via`. */
function forwardedHeaders(request: IncomingMessage, query: URLSearchParams, namespace: string) {
  const headers: Record<string, string> = {};
  const ownToken = query.has('sb-hc-token') || 'servicebusauthorization' in request.headers;
  const stripped = (name: string) =>
    hopHeaders.has(name) || name === 'servicebusauthorization' || (name === 'authorization' && !ownToken);
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined && !stripped(name)) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  const before = headers['via'];
  headers['via'] = before === undefined ? `1.1 ${namespace}` : `${before}, 1.1 ${namespace}`;
  return headers;
}

/** The whole body; `too-large` above `bytesMax`, `gone` when the sender left before its end. */
async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer | 'too-large' | 'gone'> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  try {
    for await (const chunk of request) {
      if (!Buffer.isBuffer(chunk)) return 'gone';
      byteCount += chunk.length;
      if (byteCount > bytesMax) return 'too-large';
      chunks.push(chunk);
    }
  } catch {
    return 'gone';
  }
  return Buffer.concat(chunks);
}

/** Serves one HTTP request of a sender: to a listener of its hybrid connection, or answered in the relay's own name. */
export async function serveSender(
  context: EmulatorContext,
  desk: RendezvousDesk,
  channelFor: (path: string) => ControlChannel | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (status: number, code: string, message: string) => {
    // What is left of the body is not read, so the connection cannot be used again.
    if (!request.complete) response.setHeader('connection', 'close');
    answerAsRelay(context, response, status, code, message);
  };
  const target = targetOf(request.url);
  if (target === undefined || !context.hybridConnections.includes(target.path)) {
    refuse(404, 'EndpointNotFound', 'Endpoint does not exist.');
    return;
  }
  const { path, requestTarget, query } = target;
  const verdict = checkToken(context, tokenOf(request, query), path, 'Send');
  if (verdict.type === 'refused') {
    refuse(verdict.status, verdict.code, verdict.reason);
    return;
  }
  const body = await readBody(request, context.limits.requestBytesMax);
  if (body === 'gone') return;
  if (body === 'too-large') {
    refuse(413, 'RequestTooLarge', `The emulator takes at most ${context.limits.requestBytesMax} bytes.`);
    return;
  }
  const channel = channelFor(path);
  if (channel === undefined) {
    refuse(context.switches.noListenerStatus, 'ListenerNotFound', 'There are no listeners connected for the endpoint.');
    return;
  }
  const headers = forwardedHeaders(request, query, context.namespace);
  const sent: SenderRequest = { method: request.method ?? 'GET', target: requestTarget, headers, body };
  const exchange = createExchange(context, path, sent, request.socket, response);
  if (!desk.deliverToOpen(exchange)) channel.deliver(exchange);
}
