import { failed, failureOf, succeeded, type Outcome } from '../contracts/failure';
import type { HostId } from '../contracts/ids';
import { controlMessageBytesMax, relayCallMsMax } from '../contracts/limits';
import { senderUrl, withoutHybridConnection } from './address';
import type { Clock } from './clock';
import { randomHex, type Random } from './random';
import { signRequest } from './signed-request';
import type { SigningKey } from './signing';

/** One request of the app to the agent of a host. */
export type AgentCall = {
  readonly hostId: HostId;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Path and query within the agent, such as `/v1/operations/op-1?waitMs=5000`. */
  readonly path: string;
  /** Becomes JSON; left out, the request has no body. */
  readonly body?: unknown;
  /** For everything, from the token to the last byte of the answer. At most 55 s, which is also the default. */
  readonly timeoutMs?: number;
};

export type AgentAnswer = {
  readonly status: number;
  /** Parsed JSON, still to be checked against what the caller expects; undefined when the answer had no body. */
  readonly body: unknown;
};

/** What activities see of the relay; the in-memory transport of the simulation is the other implementation. */
export interface RelayClient {
  /**
   * The agent's answer when its status is 2xx. Otherwise a failure: the agent's own as it is; RelayUnreachable (nothing reached the
   * agent), RelayRefused, AgentTimedOut (it may have been carried out), AgentError. Never throws for what the wire or the agent does.
   */
  send(call: AgentCall): Promise<Outcome<AgentAnswer>>;
}

/** What goes on the wire, apart from the relay's own token. */
export type PreparedCall = {
  readonly url: string;
  /** As the agent sees it. */
  readonly path: string;
  readonly method: AgentCall['method'];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
};

export type Preparing = {
  readonly endpoint: string;
  readonly signingKey: SigningKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly requestBytesMax?: number;
};

const noBody = new Uint8Array();

/** Encodes and signs a call; each preparation has its own time and nonce, so a repeat is prepared anew. */
export function prepareCall(
  call: AgentCall,
  { endpoint, signingKey, clock, random, requestBytesMax = controlMessageBytesMax }: Preparing,
): Outcome<PreparedCall> {
  const { hostId, method } = call;
  const body = call.body === undefined ? noBody : new TextEncoder().encode(JSON.stringify(call.body));
  if (body.length > requestBytesMax) {
    const message = `the request to ${hostId} has ${body.length} bytes; at most ${requestBytesMax} are sent`;
    return failed(failureOf('BodyTooLarge', { message, subject: { host: hostId } }));
  }
  // What is signed is the path as the URL's own rules write it, since that is what the agent receives.
  const url = new URL(senderUrl(endpoint, hostId, call.path));
  const target = url.pathname + url.search;
  const path = withoutHybridConnection(hostId, target);
  if (path === target || url.hash !== '') {
    const message = `${call.path} is no path within the agent of ${hostId}`;
    return failed(failureOf('RequestInvalid', { message, subject: { field: 'path', value: call.path.slice(0, 200) } }));
  }
  const nonce = randomHex(random, 16);
  const signature = signRequest(signingKey, { method, path, hostId, body, atMs: clock.now(), nonce });
  const contentType = body.length === 0 ? {} : { 'content-type': 'application/json' };
  return succeeded({ url: url.href, path, method, headers: { ...signature, ...contentType }, body });
}

/** The time that a call has: the relay's own limit is 60 s, and ours must end first. */
export const callMsMax = (call: AgentCall): number => Math.min(call.timeoutMs ?? relayCallMsMax, relayCallMsMax);
