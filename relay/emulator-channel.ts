import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { describeThrown } from '../contracts/failure';
import { startSilenceWatch, startTimer } from './clock';
import type { Exchange } from './emulator-exchange';
import type { EmulatorContext } from './emulator-options';
import { ownHost, type RendezvousDesk } from './emulator-rendezvous';
import { bodyOf, closeCodes, orderlyEnds, requestFrameOf } from './emulator-messages';
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
  start: ChannelStart,
): ControlChannel {
  const { clock, limits, log, switches } = context;
  const { path, handshake, listenerId } = start;
  const warn = (message: string) => log({ level: 'warn', message: `the listener of ${path} ${message}` });
  const pending = new Map<string, Exchange>();
  const sender = pairSender(socket);
  const silence = startSilenceWatch(clock, limits.idleMsMax, () => socket.terminate());
  const validity = startValidity(context, socket, start, warn);

  const take = (frame: FrameFromListener, body: Buffer): void => {
    switch (frame.type) {
      case 'response':
        if (body.length > controlBodyBytesMax) socket.close(closeCodes.tooLarge, 'a body above 64 KB');
        else pending.get(frame.response.requestId)?.respond(frame.response, body);
        return;
      case 'renew-token':
        validity.renew(frame.token);
        return;
      case 'unusable':
        warn(`sent what the relay cannot use: ${frame.reason}`);
    }
  };

  const send = (frame: Readonly<Record<string, unknown>>, body?: Buffer) => {
    sender.send(frame, body).catch((thrown: unknown) => warn(`did not get a message: ${describeThrown(thrown)}`));
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

  readMessagePairs(socket, { read: frameFromListener, deliver: take, complain: (reason) => warn(`sent ${reason}`) });
  socket.on('message', () => silence.touch());
  socket.on('pong', () => silence.touch());
  socket.on('ping', (data) => {
    if (switches.onPing === 'close-channel') socket.terminate();
    else socket.pong(data);
  });
  socket.on('close', (code) => {
    silence.stop();
    validity.stop();
    if (orderlyEnds.has(code)) return;
    const lost = 'The request was routed to the listener and its connection was lost.';
    for (const exchange of [...pending.values()]) exchange.fail(504, 'GatewayTimeout', lost);
  });
  return { listenerId, socket, connection: handshake.socket, host: ownHost(handshake), deliver };
}

/** Closes the channel when its token ends and was not renewed. */
function startValidity(
  context: EmulatorContext,
  socket: WebSocket,
  { path, tokenExpiresAtMs }: ChannelStart,
  warn: (message: string) => void,
) {
  const { clock } = context;
  const closeAt = (expiresAtMs: number) =>
    startTimer(clock, expiresAtMs - clock.now(), () => socket.close(closeCodes.badToken, 'the token expired'));
  let stop = closeAt(tokenExpiresAtMs);
  return {
    stop: () => stop(),
    renew(token: string) {
      const verdict = checkToken(context, token, path, 'Listen');
      if (verdict.type === 'refused') {
        warn(`renewed with a token that is refused: ${verdict.reason}`);
        socket.close(closeCodes.badToken, 'the new token is not valid');
        return;
      }
      stop();
      stop = closeAt(verdict.expiresAtMs);
    },
  };
}
