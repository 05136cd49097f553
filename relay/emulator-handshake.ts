import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { EmulatorContext } from './emulator-options';
import { randomGuid } from './random';

/** A request for a WebSocket of the relay protocol, on a hybrid connection that exists. */
export type Handshake = {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** The hybrid connection. */
  readonly path: string;
  readonly query: URLSearchParams;
};

/** Undefined when the target is no hybrid connection of this relay. */
export function readHandshake(
  { hybridConnections }: EmulatorContext,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Handshake | undefined {
  const [pathname = '', ...rest] = (request.url ?? '').split('?');
  const path = /^\/\$hc\/([^/]+)$/.exec(pathname)?.[1];
  if (path === undefined || !hybridConnections.includes(path)) return undefined;
  return { request, socket, head, path, query: new URLSearchParams(rest.join('?')) };
}

/** Refuses a handshake with an HTTP status; its text carries a tracking id, as the service's does. */
export function refuseHandshake({ random }: EmulatorContext, socket: Duplex, status: number, reason: string): void {
  const text = `${reason}. TrackingId:${randomGuid(random)}`.replace(/[^\x20-\x7e]/g, '');
  socket.once('finish', () => socket.destroy());
  const head = `HTTP/1.1 ${status} ${text || (STATUS_CODES[status] ?? '')}`;
  socket.end(`${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Completes handshakes; a message above `messageBytesMax` closes its socket. */
export type SocketServer = {
  complete(handshake: Handshake, serve: (socket: WebSocket) => void): void;
  sockets(): Iterable<WebSocket>;
};

export function createSocketServer(messageBytesMax: number): SocketServer {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: messageBytesMax,
  });
  return {
    complete({ request, socket, head }, serve) {
      server.handleUpgrade(request, socket, head, (opened) => {
        // An error event without a listener would end the process; the close event that follows does the rest.
        opened.on('error', () => {});
        serve(opened);
      });
    },
    sockets: () => server.clients,
  };
}
