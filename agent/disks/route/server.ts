import { constants, type KeyObject } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Outcome } from '../../../contracts/failure';
import type { HostId } from '../../../contracts/ids';
import type { TicketClaims } from '../../../contracts/ticket';
import type { Clock } from '../../clock';
import type { Log } from '../../log';
import { Carrier } from './carrier';
import type { Served } from './content-store';
import { AwaitedStreams, meet } from './further-streams';
import type { RouteImages } from './route-images';
import { connectionsMax, routePace, transfersMax, type RoutePace } from './limits';
import { Session } from './session';
import { routeTls } from './tls';
import { routeImages } from './route-images';

export type ByteRouteOptions = {
  readonly listenAddress: string;
  /** 0: any that is free. */
  readonly port: number;
  /** PEM. Peers know it by the SHA-256 of its DER form, not by who signed it. */
  readonly certificate: { readonly key: string; readonly cert: string };
  /** Keys of apps that may issue tickets. */
  readonly appPublicKeys: readonly KeyObject[];
  readonly hostId: HostId;
  readonly clock: Clock;
  /** The file that a ticket entitles to; refuses what must not be read. */
  readonly locate: (claims: TicketClaims) => Promise<Outcome<Served>>;
  readonly log: Log;
  /** By default those of `routeImages`. */
  readonly images?: RouteImages;
  readonly pace?: RoutePace;
  /** Data that is sent ahead of what is durable at the destination; by default `windowBytesOver` the line. */
  readonly windowBytes?: number;
  /** Transfers that are served at a time; who comes beyond them is told to come again. */
  readonly transfersMax?: number;
};

export type ByteRoute = {
  readonly port: number;
  /** Breaks off every transfer and stops listening. */
  readonly close: () => Promise<void>;
};

/**
 * Listens for destinations and serves them the files that their tickets name. Rejects only when it cannot listen (an error of the operating
 * system, such as `EADDRINUSE`); afterwards nothing that a peer does ends it.
 */
export async function startByteRoute(options: ByteRouteOptions): Promise<ByteRoute> {
  const { log, certificate, pace = routePace, images = routeImages() } = options;
  const mostTransfers = options.transfersMax ?? transfersMax;
  const sessions = new Set<Session>();
  const hasRoom = (): boolean => [...sessions].filter((session) => session.isServing).length < mostTransfers;
  const secureContext = createSecureContext({
    ...routeTls,
    ...certificate,
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
  // Certificates sign themselves; the ticket says which one may come.
  const asServer = { secureContext, isServer: true, requestCert: true, rejectUnauthorized: false };
  const server = createServer();
  server.maxConnections = connectionsMax;
  const awaited = new AwaitedStreams();
  const serve = (socket: Socket, first: Buffer): void => {
    const carrier = new Carrier(() => socket);
    socket.on('data', (chunk: Buffer) => carrier.push(chunk));
    const secured = new TLSSocket(carrier.tunnel, asServer);
    const session = new Session(carrier, secured, { ...options, pace, images, hasRoom, awaited });
    sessions.add(session);
    void session.run().finally(() => sessions.delete(session));
    carrier.push(first);
  };
  const strangers = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    strangers.add(socket);
    meet(socket, {
      awaited,
      clock: options.clock,
      helloMsMax: pace.helloMsMax,
      onKnown: () => strangers.delete(socket),
      onPull: (first) => serve(socket, first),
    });
  });
  await listening(server, options);
  server.on('error', (error: Error) => log.error('byte route listener failed', { message: error.message }));
  return {
    port: portOf(server.address()),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of strangers) socket.destroy();
      for (const session of sessions) session.end('the agent stops');
      await closed;
    },
  };
}

async function listening(server: Server, { port, listenAddress }: ByteRouteOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen(port, listenAddress, () => resolve(undefined));
  await promise;
  server.off('error', reject);
}

/** The port of a listener that listens on one. */
export function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string')
    throw new Error('a listener on a port has an address with a port');
  return address.port;
}
