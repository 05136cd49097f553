import { describeThrown } from '../contracts/failure';
import { resourceOf } from './address';
import type { ChannelEnd } from './listener-channel';
import type { ListenerContext } from './listener-options';
import type { OpenedSocket } from './socket';
import type { RelayToken } from './token';

/** Why there is no control channel. */
export type NotConnected =
  | { readonly type: 'no-token'; readonly reason: string }
  | Exclude<OpenedSocket, { readonly type: 'open' }>
  | Extract<ChannelEnd, { readonly type: 'lost' }>;

export type NextAttempt = { readonly delayMs: number; readonly reason: string };

/** Decides when a listener tries again, and says why in the log. */
export type Attempts = {
  /** The token for the next attempt: another one when the relay refused the last. */
  token(): Promise<{ readonly token: RelayToken } | Extract<NotConnected, { readonly type: 'no-token' }>>;
  connected(): void;
  after(cause: NotConnected): NextAttempt;
};

/** Pauses before the 1st, 2nd, … attempt after a loss, in seconds: those of Microsoft's .NET listener. */
const reconnectSeconds = [0, 1, 2, 5, 10, 30] as const;
/** A connection that lasted so long was a good one: the pauses begin anew. Shorter ones count as failed attempts. */
const goodConnectionMs = 5_000;
/** Close code of the service for a token that is expired or does not fit (relay protocol, "listen"). */
const tokenRefused = 1008;

export function createAttempts({ clock, endpoint, limits, log, path, random, tokens }: ListenerContext): Attempts {
  let failures = 0;
  let tokenRefusals = 0;
  let connectedAtMs: number | undefined;
  let lastToken: string | undefined;
  let refusedToken: string | undefined;

  /** Half more or less, so that the agents of a site do not all come back in the same moment. */
  const spread = (ms: number) => ms * (0.75 + random() / 2);

  const soon = (reason: string): NextAttempt => {
    const seconds = reconnectSeconds[Math.min(failures, reconnectSeconds.length - 1)] ?? 0;
    failures += 1;
    return { delayMs: spread(seconds * 1000), reason };
  };

  /** What only a person mends. An old token is the exception: the first refusal is answered with a fresh one at once. */
  const slowly = (status: number, reason: string): NextAttempt => {
    if (status === 401) refusedToken = lastToken;
    tokenRefusals += status === 401 ? 1 : 0;
    if (status === 401 && tokenRefusals === 1) return { delayMs: 0, reason };
    return { delayMs: spread(limits.refusedRetryMs), reason };
  };

  const decide = (cause: NotConnected): NextAttempt => {
    switch (cause.type) {
      case 'no-token':
      case 'failed':
        return soon(cause.reason);
      case 'refused': {
        const mended = remedyOfRefusal(cause.status, path);
        const reason = `the relay answered ${cause.status} ${cause.text}`.trim();
        return mended === undefined ? soon(reason) : slowly(cause.status, `${reason}: ${mended}`);
      }
      case 'lost': {
        if (cause.code === tokenRefused) refusedToken = lastToken;
        return soon(`the control channel closed (${cause.code}${cause.reason && ` ${cause.reason}`})`);
      }
    }
  };

  return {
    async token() {
      try {
        const token = await tokens.token(resourceOf(endpoint, path), refusedToken);
        lastToken = token.value;
        return { token };
      } catch (thrown) {
        return { type: 'no-token', reason: `no token for the relay: ${describeThrown(thrown)}` };
      }
    },
    connected() {
      connectedAtMs = clock.now();
      tokenRefusals = 0;
    },
    after(cause) {
      if (connectedAtMs !== undefined && clock.now() - connectedAtMs >= goodConnectionMs) failures = 0;
      connectedAtMs = undefined;
      const next = decide(cause);
      const level = cause.type === 'refused' ? 'error' : 'warn';
      log({ level, message: `${next.reason}; trying again in ${(next.delayMs / 1000).toFixed(1)} s` });
      return next;
    },
  };
}

const remedies: Readonly<Record<number, (path: string) => string>> = {
  401: () => "check this agent's relay key or identity, and the clock of this host",
  403: (path) =>
    `give this agent the Listen right on the hybrid connection ${path}, and let its address through the firewall`,
  404: (path) => `create the hybrid connection ${path}, or correct the relay endpoint`,
};

/** What a person can do about a status with which the relay refused a listener on `path`; undefined where it passes by itself. */
export const remedyOfRefusal = (status: number, path: string): string | undefined => remedies[status]?.(path);
