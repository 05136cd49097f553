import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { describeThrown } from '../contracts/failure';
import { startTimer } from './clock';
import type { Exchange } from './emulator-exchange';
import { bodyOf, closeCodes, requestFrameOf } from './emulator-messages';
import type { EmulatorContext } from './emulator-options';
import { frameFromListener } from './frames';
import { pairSender, readMessagePairs } from './message-pairs';
import { randomGuid } from './random';

/** A rendezvous that a listener may open for an exchange. */
export type Offer = {
  readonly exchange: Exchange;
  /** What the control channel carried: the whole request, or only the address at which it waits. */
  readonly sent: 'whole' | 'address';
  /** The exchange now belongs to the rendezvous. */
  readonly onTaken: () => void;
};

/** Addresses that were given out, each good for one connection within a short time, and the sockets that came of them. */
export type RendezvousDesk = {
  /** The address to connect to, on the host by which the listener reached the relay. */
  offer(offer: Offer, handshake: IncomingMessage): string;
  /** What an id stands for, once; undefined when it is unknown, used or too old. */
  take(rendezvousId: string, path: string): Offer | undefined;
  serve(socket: WebSocket, offer: Offer): void;
  /** Hands an exchange to the rendezvous that the sender's connection already has; false when it has none. */
  deliverToOpen(exchange: Exchange): boolean;
};

type Link = { readonly deliver: (exchange: Exchange) => void };

const hostText = /^(?:[A-Za-z0-9.-]{1,255}|\[[0-9a-fA-F:]{2,45}\])(?::\d{1,5})?$/;

/** Where the listener reached the relay, which is where it will reach it again. */
export function ownHost(handshake: IncomingMessage): string {
  const named = handshake.headers.host ?? '';
  return hostText.test(named) ? named : `127.0.0.1:${handshake.socket.localPort ?? 0}`;
}

export function createRendezvousDesk(context: EmulatorContext): RendezvousDesk {
  const { clock, limits, random } = context;
  const offers = new Map<string, Offer>();
  const links = new WeakMap<Socket, Map<string, Link>>();

  /** One rendezvous a hybrid connection for each connection of a sender. */
  const linksOf = (sender: Socket): Map<string, Link> => {
    const known = links.get(sender) ?? new Map<string, Link>();
    links.set(sender, known);
    return known;
  };

  return {
    offer(offer, handshake) {
      const rendezvousId = randomGuid(random);
      offers.set(rendezvousId, offer);
      const stopTimer = startTimer(clock, limits.rendezvousMsMax, () => offers.delete(rendezvousId));
      offer.exchange.onSettled(() => {
        stopTimer();
        offers.delete(rendezvousId);
      });
      const path = encodeURIComponent(offer.exchange.path);
      return `ws://${ownHost(handshake)}/$hc/${path}?sb-hc-action=request&sb-hc-id=${rendezvousId}`;
    },

    take(rendezvousId, path) {
      const offer = offers.get(rendezvousId);
      if (offer?.exchange.path !== path) return undefined;
      offers.delete(rendezvousId);
      offer.onTaken();
      return offer;
    },

    serve(socket, offer) {
      const { path, senderSocket } = offer.exchange;
      const link = serveRendezvous(context, socket, offer);
      linksOf(senderSocket).set(path, link);
      socket.on('close', () => linksOf(senderSocket).delete(path));
    },

    deliverToOpen(exchange) {
      const link = links.get(exchange.senderSocket)?.get(exchange.path);
      link?.deliver(exchange);
      return link !== undefined;
    },
  };
}

/** Serves a rendezvous until it closes; it ends with the sender's connection, and the sender's connection with it. */
function serveRendezvous({ log }: EmulatorContext, socket: WebSocket, { exchange, sent }: Offer): Link {
  const { path, senderSocket } = exchange;
  const sender = pairSender(socket);
  const pending = new Map<string, Exchange>();
  const warn = (reason: string) => log({ level: 'warn', message: `a rendezvous of ${path}: ${reason}` });

  const expect = (one: Exchange) => {
    pending.set(one.id, one);
    one.onSettled(() => pending.delete(one.id));
  };
  const deliver = (one: Exchange) => {
    expect(one);
    sender
      .send(requestFrameOf(one), bodyOf(one))
      .catch((thrown: unknown) => warn(`a request was lost: ${describeThrown(thrown)}`));
  };

  readMessagePairs(socket, {
    read: frameFromListener,
    deliver: (frame, body) => {
      if (frame.type === 'response') pending.get(frame.response.requestId)?.respond(frame.response, body);
      else warn(frame.type === 'unusable' ? frame.reason : `a message ${frame.type} belongs on the control channel`);
    },
    complain: warn,
  });
  const senderLeft = () => socket.close(closeCodes.goingAway, 'the sender left');
  senderSocket.once('close', senderLeft);
  socket.on('close', () => {
    senderSocket.off('close', senderLeft);
    for (const one of [...pending.values()]) one.abandon();
    senderSocket.destroy();
  });

  if (sent === 'whole') expect(exchange);
  else deliver(exchange);
  return { deliver };
}
