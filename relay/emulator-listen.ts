import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { createAccepts, type WebSocketOffer } from './emulator-accepts';
import { serveChannel, type ControlChannel } from './emulator-channel';
import {
  createSocketServer,
  readHandshake,
  refuseHandshake,
  type Handshake,
  type SocketServer,
} from './emulator-handshake';
import type { EmulatorContext } from './emulator-options';
import type { RendezvousDesk } from './emulator-rendezvous';
import { checkToken, tokenOf } from './emulator-tokens';
import { controlBodyBytesMax, frameCharactersMax } from './frames';
import { randomGuid } from './random';

/** Everything that listeners open: control channels, rendezvous, and answers to an `accept`. */
export type ListenDesk = {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** The connected listeners of a hybrid connection. */
  channels(path: string): readonly ControlChannel[];
  /** Sends an `accept` to a listener and says what came of it. */
  offerWebSocket(channel: ControlChannel, path: string): Promise<WebSocketOffer>;
  sockets(): Iterable<WebSocket>;
};

export function createListenDesk(context: EmulatorContext, desk: RendezvousDesk): ListenDesk {
  const controlServer = createSocketServer(frameCharactersMax + controlBodyBytesMax);
  const rendezvousServer = createSocketServer(context.limits.responseBytesMax);
  const listeners = createListeners(context, desk, controlServer);
  const accepts = createAccepts(context, rendezvousServer);

  function rendezvous(handshake: Handshake): void {
    const { path, query, socket } = handshake;
    const served = context.switches.rendezvous === 'served';
    const offer = served ? desk.take(query.get('sb-hc-id') ?? '', path) : undefined;
    if (offer === undefined) refuseHandshake(context, socket, 403, 'The rendezvous is unknown, used or expired');
    else rendezvousServer.complete(handshake, (opened) => desk.serve(opened, offer));
  }

  return {
    channels: (path) => listeners.channels(path),
    offerWebSocket: (channel, path) => accepts.offer(channel, path),
    sockets: () => [...controlServer.sockets(), ...rendezvousServer.sockets()],
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      const handshake = readHandshake(context, request, socket, head);
      if (handshake === undefined) {
        refuseHandshake(context, socket, 404, 'Endpoint does not exist');
        return;
      }
      switch (handshake.query.get('sb-hc-action')) {
        case 'listen':
          listeners.listen(handshake);
          return;
        case 'request':
          rendezvous(handshake);
          return;
        case 'accept':
          accepts.take(handshake);
          return;
        default:
          refuseHandshake(context, socket, 400, 'The emulator serves the actions listen, request and accept');
      }
    },
  };
}

function createListeners(context: EmulatorContext, desk: RendezvousDesk, server: SocketServer) {
  const { limits, random, switches } = context;
  const byPath = new Map<string, ControlChannel[]>();

  /** A channel is out of the choice from the close frame on, before its socket is closed. */
  const channels = (path: string) => (byPath.get(path) ?? []).filter(({ socket }) => socket.readyState === socket.OPEN);

  function listen(handshake: Handshake): void {
    const { path, query, request, socket } = handshake;
    const refuse = (status: number, reason: string) => refuseHandshake(context, socket, status, reason);
    if (switches.listenStatus !== null) {
      refuse(switches.listenStatus, 'Refused by a switch of the emulator');
      return;
    }
    const verdict = checkToken(context, tokenOf(request, query), path, 'Listen');
    if (verdict.type === 'refused') {
      refuse(verdict.status, verdict.reason);
      return;
    }
    if (channels(path).length >= limits.listenersMax) {
      refuse(403, `At most ${limits.listenersMax} listeners`);
      return;
    }
    server.complete(handshake, (opened) => {
      const listenerId = query.get('sb-hc-id') ?? randomGuid(random);
      const start = { path, listenerId, tokenExpiresAtMs: verdict.expiresAtMs, handshake: request };
      byPath.set(path, [...channels(path), serveChannel(context, desk, opened, start)]);
      opened.on('close', () => byPath.set(path, channels(path)));
    });
  }

  return { channels, listen };
}
