import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { serveChannel, type ControlChannel } from './emulator-channel';
import type { EmulatorContext } from './emulator-options';
import type { RendezvousDesk } from './emulator-rendezvous';
import { checkToken, tokenOf } from './emulator-tokens';
import { controlBodyBytesMax, frameCharactersMax } from './frames';
import { randomGuid } from './random';
import { startTimer } from './clock';

/** What a listener did with a sender's wish for a WebSocket. */
export type WebSocketOffer =
  | { readonly type: 'refused'; readonly status: string; readonly description: string }
  | { readonly type: 'opened' }
  | { readonly type: 'unanswered' };

/** Everything that listeners open: control channels, rendezvous, and answers to an `accept`. */
export type ListenDesk = {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** The connected listeners of a hybrid connection. */
  channels(path: string): readonly ControlChannel[];
  /** Sends an `accept` to a listener and says what came of it. */
  offerWebSocket(channel: ControlChannel, path: string): Promise<WebSocketOffer>;
  sockets(): Iterable<WebSocket>;
};

/** Refuses a handshake with an HTTP status; its text carries a tracking id, as the service's does. */
function refuse({ random }: EmulatorContext, socket: Duplex, status: number, reason: string): void {
  const text = `${reason}. TrackingId:${randomGuid(random)}`.replace(/[^\x20-\x7e]/g, '');
  socket.once('finish', () => socket.destroy());
  const head = `HTTP/1.1 ${status} ${text || (STATUS_CODES[status] ?? '')}`;
  socket.end(`${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

export function createListenDesk(context: EmulatorContext, desk: RendezvousDesk): ListenDesk {
  const { clock, limits, random, switches } = context;
  const settings = { noServer: true, perMessageDeflate: false, autoPong: false };
  const controlServer = new WebSocketServer({ ...settings, maxPayload: frameCharactersMax + controlBodyBytesMax });
  const rendezvousServer = new WebSocketServer({ ...settings, maxPayload: limits.responseBytesMax });
  const byPath = new Map<string, ControlChannel[]>();
  const accepts = new Map<string, { readonly path: string; readonly answer: (offer: WebSocketOffer) => void }>();

  /** A channel is out of the choice from the close frame on, before its socket is closed. */
  const channels = (path: string) => (byPath.get(path) ?? []).filter(({ socket }) => socket.readyState === socket.OPEN);
  /** An error event without a listener would end the process; the close event that follows does the rest. */
  const watch = (socket: WebSocket) => socket.on('error', () => {});

  function listen(request: IncomingMessage, socket: Duplex, head: Buffer, path: string, query: URLSearchParams): void {
    if (switches.listenStatus !== null) {
      refuse(context, socket, switches.listenStatus, 'Refused by a switch of the emulator');
      return;
    }
    const verdict = checkToken(context, tokenOf(request, query), path, 'Listen');
    if (verdict.type === 'refused') {
      refuse(context, socket, verdict.status, verdict.reason);
      return;
    }
    if (channels(path).length >= limits.listenersMax) {
      refuse(context, socket, 403, `At most ${limits.listenersMax} listeners`);
      return;
    }
    controlServer.handleUpgrade(request, socket, head, (opened) => {
      watch(opened);
      const listenerId = query.get('sb-hc-id') ?? randomGuid(random);
      const start = { path, listenerId, tokenExpiresAtMs: verdict.expiresAtMs, handshake: request };
      const channel = serveChannel(context, desk, opened, start);
      byPath.set(path, [...channels(path), channel]);
      opened.on('close', () =>
        byPath.set(
          path,
          channels(path).filter((one) => one !== channel),
        ),
      );
    });
  }

  function rendezvous(request: IncomingMessage, socket: Duplex, head: Buffer, path: string, id: string): void {
    const offer = switches.rendezvous === 'served' ? desk.take(id, path) : undefined;
    if (offer === undefined) {
      refuse(context, socket, 403, 'The rendezvous is unknown, used or expired');
      return;
    }
    rendezvousServer.handleUpgrade(request, socket, head, (opened) => {
      watch(opened);
      desk.serve(opened, offer);
    });
  }

  function accepted(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    path: string,
    query: URLSearchParams,
  ): void {
    const waiting = accepts.get(query.get('sb-hc-id') ?? '');
    const status = query.get('sb-hc-statusCode');
    if (waiting?.path !== path) {
      refuse(context, socket, 403, 'The address is unknown, used or expired');
    } else if (status !== null) {
      waiting.answer({ type: 'refused', status, description: query.get('sb-hc-statusDescription') ?? '' });
      refuse(context, socket, 410, 'Gone');
    } else {
      rendezvousServer.handleUpgrade(request, socket, head, (opened) => {
        watch(opened);
        waiting.answer({ type: 'opened' });
        opened.close(1000);
      });
    }
  }

  return {
    channels,
    sockets: () => [...controlServer.clients, ...rendezvousServer.clients],
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      const [pathname = '', ...rest] = (request.url ?? '').split('?');
      const path = /^\/\$hc\/([^/]+)$/.exec(pathname)?.[1];
      const query = new URLSearchParams(rest.join('?'));
      const id = query.get('sb-hc-id') ?? '';
      if (path === undefined || !context.hybridConnections.includes(path)) {
        refuse(context, socket, 404, 'Endpoint does not exist');
        return;
      }
      switch (query.get('sb-hc-action')) {
        case 'listen':
          listen(request, socket, head, path, query);
          return;
        case 'request':
          rendezvous(request, socket, head, path, id);
          return;
        case 'accept':
          accepted(request, socket, head, path, query);
          return;
        default:
          refuse(context, socket, 400, 'The emulator serves the actions listen, request and accept');
      }
    },
    offerWebSocket(channel, path) {
      const id = randomGuid(random);
      return new Promise((resolve) => {
        const answer = (offer: WebSocketOffer) => {
          stopTimer();
          accepts.delete(id);
          resolve(offer);
        };
        const stopTimer = startTimer(clock, limits.rendezvousMsMax, () => answer({ type: 'unanswered' }));
        accepts.set(id, { path, answer });
        const address = `ws://${channel.host}/$hc/${path}?sb-hc-action=accept&sb-hc-id=${id}`;
        channel.socket.send(JSON.stringify({ accept: { address, id, connectHeaders: {} } }));
      });
    },
  };
}
