import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { describeThrown } from '../contracts/failure';
import { startSilenceWatch, startTimer } from './clock';
import type { Exchange } from './emulator-exchange';
import type { EmulatorContext } from './emulator-options';
import { ownHost, type RendezvousDesk } from './emulator-rendezvous';
import { bodyOf, closeCodes, requestFrameOf } from './emulator-messages';
import { checkToken } from './emulator-tokens';
import {
  controlBodyBytesMax,
  controlHeaderBytesMax,
  frameFromListener,
  headerBytes,
  type FrameFromListener,
} from './frames';
import { pairSender, readMessagePairs } from './message-pairs';

/** The service's side of a control channel: one connected listener. */
export type ControlChannel = {
  readonly listenerId: string;
  readonly socket: WebSocket;
  /** What the WebSocket runs over. */
  readonly connection: Socket;
  /** Host and port by which this listener reached the relay. */
  readonly host: string;
  deliver(exchange: Exchange): void;
};

export type ChannelStart = {
  readonly path: string;
  readonly listenerId: string;
  readonly tokenExpiresAtMs: number;
  readonly handshake: IncomingMessage;
};

/** Serves a control channel until its socket closes; requests that it did not answer are then answered for it. */
export function serveChannel(
  context: EmulatorContext,
  desk: RendezvousDesk,
  socket: WebSocket,
  { path, listenerId, tokenExpiresAtMs, handshake }: ChannelStart,
): ControlChannel {
  const { clock, limits, log, switches } = context;
  const pending = new Map<string, Exchange>();
  const sender = pairSender(socket);
  const silence = startSilenceWatch(clock, limits.idleMsMax, () => socket.terminate());
  const closeAt = (expiresAtMs: number) =>
    startTimer(clock, expiresAtMs - clock.now(), () => socket.close(closeCodes.badToken, 'the token expired'));
  let stopExpiry = closeAt(tokenExpiresAtMs);

  const renew = (token: string) => {
    const verdict = checkToken(context, token, path, 'Listen');
    if (verdict.type === 'refused') {
      log({
        level: 'warn',
        message: `the listener of ${path} renewed with a token that is refused: ${verdict.reason}`,
      });
      socket.close(closeCodes.badToken, 'the new token is not valid');
      return;
    }
    stopExpiry();
    stopExpiry = closeAt(verdict.expiresAtMs);
  };

  const take = (frame: FrameFromListener, body: Buffer): void => {
    switch (frame.type) {
      case 'response': {
        if (body.length > controlBodyBytesMax) socket.close(closeCodes.tooLarge, 'a body above 64 KB');
        pending.get(frame.response.requestId)?.respond(frame.response, body);
        return;
      }
      case 'renew-token':
        renew(frame.token);
        return;
      case 'unusable':
        log({ level: 'warn', message: `the listener of ${path} sent what the relay cannot use: ${frame.reason}` });
    }
  };

  const send = (frame: Readonly<Record<string, unknown>>, body?: Buffer) => {
    sender
      .send(frame, body)
      .catch((thrown: unknown) =>
        log({ level: 'warn', message: `a message to the listener of ${path} was lost: ${describeThrown(thrown)}` }),
      );
  };

  const deliver = (exchange: Exchange): void => {
    const { headers, body } = exchange.request;
    const fits = body.length <= controlBodyBytesMax && headerBytes(headers) <= controlHeaderBytesMax;
    const leave = () => void pending.delete(exchange.id);
    const address = desk.offer({ exchange, sent: fits ? 'whole' : 'address', onTaken: leave }, handshake);
    pending.set(exchange.id, exchange);
    exchange.onSettled(leave);
    const fault = switches.request();
    if (fault === 'drop') return;
    for (let copies = fault === 'duplicate' ? 2 : 1; copies > 0; copies -= 1)
      if (fits) send(requestFrameOf(exchange, address), bodyOf(exchange));
      else send({ request: { address } });
  };

  readMessagePairs(socket, {
    read: frameFromListener,
    deliver: take,
    complain: (reason) => log({ level: 'warn', message: `the listener of ${path}: ${reason}` }),
  });
  socket.on('message', () => silence.touch());
  socket.on('pong', () => silence.touch());
  socket.on('ping', (data) => {
    if (switches.onPing === 'close-channel') socket.terminate();
    else socket.pong(data);
  });
  socket.on('close', (code) => {
    silence.stop();
    stopExpiry();
    // A listener that said goodbye may still answer by rendezvous; one whose connection broke will not.
    if (code !== closeCodes.broken) return;
    const lost = 'The request was routed to the listener and its connection was lost.';
    for (const exchange of [...pending.values()]) exchange.fail(504, 'GatewayTimeout', lost);
  });
  return { listenerId, socket, connection: handshake.socket, host: ownHost(handshake), deliver };
}
