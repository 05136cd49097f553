import type { Agent } from 'node:http';
import { httpBodyBytesMax, relayCallMsMax } from '../contracts/limits';
import type { Clock } from './clock';
import type { RequestHandler } from './exchange';
import type { RelayLog } from './log';
import type { Random } from './random';
import type { TokenProvider } from './token';

export const listenerLimits = {
  /** A larger request is refused with BodyTooLarge, or its socket closed when it is far larger. */
  requestBytesMax: httpBodyBytesMax,
  /** The relay gives up after 60 s; a handler that takes longer than this is answered for. */
  responseMsMax: relayCallMsMax,
  requestsAtOnceMax: 64,
  rendezvousCountMax: 64,
  /** A rendezvous on which nothing happens is closed; the relay opens another when it needs one. */
  rendezvousIdleMsMax: 5 * 60_000,
  /** PONG frames keep the channel: without any the relay drops it after about four minutes. */
  keepaliveMs: 60_000,
  /** A control channel on which nothing came for so long is replaced: it may be half open, and nothing else would show that. */
  silenceMsMax: 5 * 60_000,
  handshakeMsMax: 20_000,
  /** Pause after 401, 403 and 404, which only a person mends. */
  refusedRetryMs: 60_000,
  /** How long `close` waits for requests that are being answered. */
  drainMsMax: 10_000,
};
export type ListenerLimits = Readonly<typeof listenerLimits>;

export type ListenerOptions = {
  /** `https://NAME.servicebus.windows.net`, or `http://127.0.0.1:PORT` for the emulator (see `relayEndpoint` in address.ts). */
  readonly endpoint: string;
  /** The name of the hybrid connection: the host's id. */
  readonly path: string;
  readonly tokens: TokenProvider;
  readonly handler: RequestHandler;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RelayLog;
  /** For a way out through an HTTPS proxy. */
  readonly agent?: Agent;
  readonly limits?: Partial<ListenerLimits>;
};

/** The options with every limit in place. */
export type ListenerContext = Omit<ListenerOptions, 'limits'> & { readonly limits: ListenerLimits };
