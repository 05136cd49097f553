import { z } from 'zod';
import { describeThrown, type Outcome } from '../contracts/failure';
import { httpBodyBytesMax } from '../contracts/limits';
import { resourceOf } from './address';
import { agentAnswered, answerTooLarge, relayAnswered, timedOut, unreachable } from './answer';
import { callMsMax, prepareCall, type AgentAnswer, type AgentCall, type RelayClient } from './call';
import { startTimer, type Clock } from './clock';
import type { Random } from './random';
import type { SigningKey } from './signing';
import type { RelayToken, TokenProvider } from './token';

export type RelayClientOptions = {
  /** `https://NAME.servicebus.windows.net`, or `http://127.0.0.1:PORT` for the emulator. */
  readonly endpoint: string;
  readonly tokens: TokenProvider;
  /** The app's key; agents hold its public half. */
  readonly signingKey: SigningKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch?: typeof globalThis.fetch;
  /** Default: what fits the relay's control channel. */
  readonly requestBytesMax?: number;
  readonly responseBytesMax?: number;
};

type Received =
  | { readonly from: 'agent' | 'relay'; readonly status: number; readonly bytes: Uint8Array }
  | { readonly from: 'nobody'; readonly outcome: Outcome<never> };

/**
 * Sends requests to agents through Azure Relay (HTTPS to `/{hostId}{path}`). Stateless but for the token; it may be used for any number
 * of calls at once. It repeats a call only when the relay refused the token, since then nothing went further.
 */
export function createRelayClient(options: RelayClientOptions): RelayClient {
  const { endpoint, tokens, clock } = options;

  async function exchange(call: AgentCall, token: RelayToken, signal: AbortSignal): Promise<Received> {
    const prepared = prepareCall(call, options);
    if (!prepared.ok) return { from: 'nobody', outcome: prepared };
    const { url, method, headers, body } = prepared.value;
    try {
      const response = await (options.fetch ?? fetch)(url, {
        method,
        headers: { ...headers, ServiceBusAuthorization: token.value },
        ...(body.length === 0 ? {} : { body }),
        // The relay redirects nothing; following one would hand the token to somebody else.
        redirect: 'manual',
        signal,
      });
      const bytesMax = options.responseBytesMax ?? httpBodyBytesMax;
      const bytes = await readBounded(response, bytesMax);
      if (bytes === undefined) return { from: 'nobody', outcome: answerTooLarge(call, bytesMax) };
      return { from: response.headers.has('via') ? 'agent' : 'relay', status: response.status, bytes };
    } catch (thrown) {
      return { from: 'nobody', outcome: connectionFailed(call, thrown, signal) };
    }
  }

  async function attempt(call: AgentCall, signal: AbortSignal, refusedToken?: string): Promise<Outcome<AgentAnswer>> {
    let token: RelayToken;
    try {
      token = await beforeAbort(tokens.token(resourceOf(endpoint, call.hostId), refusedToken), signal);
    } catch (thrown) {
      return unreachable(call, `no token for the relay: ${describeThrown(thrown)}`);
    }
    const received = await exchange(call, token, signal);
    if (received.from === 'nobody') return received.outcome;
    if (received.from === 'agent') return agentAnswered(call, received.status, received.bytes);
    const tokenMayBeOld = received.status === 401 || received.status === 403;
    if (tokenMayBeOld && refusedToken === undefined) return attempt(call, signal, token.value);
    return relayAnswered(call, received.status, received.bytes);
  }

  return {
    async send(call) {
      const over = new AbortController();
      const stopTimer = startTimer(clock, callMsMax(call), () => over.abort());
      try {
        return await attempt(call, over.signal);
      } finally {
        stopTimer();
      }
    },
  };
}

/** Settles as `work` does, or rejects when the time of the call is over before. */
function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const over = () => reject(new Error('it was not there in the time of the call'));
    signal.addEventListener('abort', over);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', over));
  });
}

/** The whole body, or undefined when it is larger than `bytesMax`; no more than that is ever held. */
async function readBounded(response: Response, bytesMax: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  if (response.body === null) return new Uint8Array();
  for await (const chunk of response.body) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('the body of an answer is not made of bytes');
    byteCount += chunk.length;
    // Leaving the loop cancels the body, and with it the connection.
    if (byteCount > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Errors of a connection that was never made: of names, of routes, of certificates. Nothing was sent. */
const neverConnected =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|CERT_.*|.*_CERT.*|UNABLE_TO_.*)$/;

const coded = z.object({ code: z.string() });
const caused = z.object({ cause: z.unknown() });

/** The error codes of what was thrown and of its causes: `fetch` throws a TypeError that names none itself. */
function codesOf(thrown: unknown): string[] {
  const code = coded.safeParse(thrown);
  const cause = caused.safeParse(thrown);
  return [...(code.success ? [code.data.code] : []), ...(cause.data?.cause ? codesOf(cause.data.cause) : [])];
}

function connectionFailed(call: AgentCall, thrown: unknown, signal: AbortSignal): Outcome<never> {
  if (signal.aborted) return timedOut(call, `no answer within ${callMsMax(call)} ms`);
  const reason = describeThrown(thrown);
  return codesOf(thrown).some((code) => neverConnected.test(code))
    ? unreachable(call, `the relay cannot be reached: ${reason}`)
    : timedOut(call, `the connection was lost before an answer came: ${reason}`);
}
