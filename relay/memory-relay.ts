import type { Outcome } from '../contracts/failure';
import type { HostId } from '../contracts/ids';
import { httpBodyBytesMax, relayCallMsMax } from '../contracts/limits';
import { agentAnswered, answerTooLarge, relayAnswered, timedOut, unreachable } from './answer';
import { callMsMax, prepareCall, type AgentAnswer, type AgentCall, type PreparedCall, type RelayClient } from './call';
import { pause, type Clock } from './clock';
import { bytesOf, type RelayResponse, type RequestHandler } from './exchange';
import { answerRequest } from './listener-answer';
import { silentLog, type RelayLog } from './log';
import type { Random } from './random';
import type { SigningKey } from './signing';

/** What becomes of one call on its way. */
export type Passage = {
  readonly fate: 'delivered' | 'duplicated' | 'request-lost' | 'reply-lost' | 'unreachable';
  readonly requestDelayMs: number;
  readonly replyDelayMs: number;
};

export const freePassage: Passage = { fate: 'delivered', requestDelayMs: 0, replyDelayMs: 0 };

export type MemoryRelayOptions = {
  readonly signingKey: SigningKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: RelayLog;
  /** Asked once a call. A simulation decides here, by its seed. */
  readonly passage?: (call: AgentCall) => Passage;
  readonly requestBytesMax?: number;
};

export type MemoryRelay = RelayClient & {
  /** Serves a host until the function that it returns is called; answers that are not out by then are lost, as with a dead agent. */
  listen(hostId: HostId, handler: RequestHandler): () => void;
};

type Agent = { readonly handler: RequestHandler; readonly died: AbortController };

/** No host of that name exists: only the path of the URL is used. */
const endpoint = 'http://memory.invalid';

/**
 * The relay without sockets: the same client, the same signatures and the same rules for handlers, joined in the process. For the
 * simulation, which owns clock, chance and the fate of every call.
 */
export function createMemoryRelay(options: MemoryRelayOptions): MemoryRelay {
  const { clock, log = silentLog, passage = () => freePassage } = options;
  const agents = new Map<HostId, Agent>();

  /** The agent's answer; undefined when it is lost, `absent` when nobody listens. */
  async function deliver(hostId: HostId, request: PreparedCall): Promise<RelayResponse | 'absent' | undefined> {
    const agent = agents.get(hostId);
    if (agent === undefined) return 'absent';
    const { method, path, headers, body } = request;
    const { handler, died } = agent;
    const answering = { handler, clock, log, responseMsMax: relayCallMsMax, stopping: died.signal };
    const response = await answerRequest({ method, path, headers, body: body.slice() }, answering);
    return died.signal.aborted ? undefined : response;
  }

  async function pass(call: AgentCall, request: PreparedCall, signal: AbortSignal): Promise<Outcome<AgentAnswer>> {
    const { fate, requestDelayMs, replyDelayMs } = passage(call);
    if (requestDelayMs > 0) await pause(clock, requestDelayMs, signal);
    if (fate === 'unreachable') return unreachable(call, 'the relay cannot be reached');
    if (fate === 'request-lost') return never();
    const delivered = deliver(call.hostId, request);
    if (fate === 'duplicated') void deliver(call.hostId, request);
    const response = await delivered;
    if (replyDelayMs > 0) await pause(clock, replyDelayMs, signal);
    if (response === 'absent') return relayAnswered(call, 502, new Uint8Array());
    if (response === undefined || fate === 'reply-lost') return never();
    const bytes = bytesOf(response.body);
    if (bytes.length > httpBodyBytesMax) return answerTooLarge(call, httpBodyBytesMax);
    return agentAnswered(call, response.status, bytes);
  }

  return {
    async send(call) {
      const prepared = prepareCall(call, { ...options, endpoint });
      if (!prepared.ok) return prepared;
      const over = new AbortController();
      const msMax = callMsMax(call);
      const late = pause(clock, msMax, over.signal).then(() => timedOut(call, `no answer within ${msMax} ms`));
      try {
        return await Promise.race([pass(call, prepared.value, over.signal), late]);
      } finally {
        over.abort();
      }
    },
    listen(hostId, handler) {
      const agent: Agent = { handler, died: new AbortController() };
      agents.set(hostId, agent);
      return () => {
        agent.died.abort();
        if (agents.get(hostId) === agent) agents.delete(hostId);
      };
    },
  };
}

/** A lost message is never heard of; the time of the call ends the wait. */
const never = (): Promise<never> => new Promise(() => {});
