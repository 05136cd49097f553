import type { Exchange } from './emulator-exchange';

/** What a `request` message says of the request that it stands for (relay protocol, "request"). */
export const requestFrameOf = (exchange: Exchange, address?: string): Readonly<Record<string, unknown>> => ({
  request: {
    ...(address === undefined ? {} : { address }),
    id: exchange.id,
    requestTarget: exchange.request.target,
    method: exchange.request.method,
    remoteEndpoint: { address: exchange.senderSocket.remoteAddress, port: exchange.senderSocket.remotePort },
    requestHeaders: exchange.request.headers,
    body: exchange.request.body.length > 0,
  },
});

export const bodyOf = ({ request }: Exchange): Buffer | undefined =>
  request.body.length > 0 ? request.body : undefined;

/** Close codes of the service after the handshake (relay protocol, "listen"). */
export const closeCodes = { goingAway: 1001, badToken: 1008, tooLarge: 1009 } as const;

/** Ends of a connection after which a listener may still answer by rendezvous; after any other (RFC 6455, 7.4.1) it will not. */
export const orderlyEnds: ReadonlySet<number> = new Set([1000, 1001, 1005, 1008]);
