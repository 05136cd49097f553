import { z } from 'zod';
import { failed, failure, failureOf, succeeded, type Failure, type Outcome } from '../contracts/failure';
import type { AgentAnswer, AgentCall } from './call';

const failureBody = z.object({ failure });

const nameOf = ({ hostId, method, path }: AgentCall) => `${method} ${path} of ${hostId}`;

/** The start of a text in one line, for a message. */
const startOf = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 300);

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function readJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Nothing reached the agent. */
export const unreachable = (call: AgentCall, reason: string, effect: Failure['effect'] = 'none') =>
  failed(
    failureOf('RelayUnreachable', { message: `${nameOf(call)}: ${reason}`, effect, subject: { host: call.hostId } }),
  );

/** The request went out and no answer came back: it may have been carried out. */
export const timedOut = (call: AgentCall, reason: string) =>
  failed(failureOf('AgentTimedOut', { message: `${nameOf(call)}: ${reason}`, subject: { host: call.hostId } }));

const agentError = (call: AgentCall, reason: string) =>
  failed(failureOf('AgentError', { message: `${nameOf(call)}: ${reason}`, subject: { host: call.hostId } }));

/** More than the app takes into memory. */
export const answerTooLarge = (call: AgentCall, bytesMax: number) =>
  failed(
    failureOf('AgentError', {
      message: `${nameOf(call)}: the answer has more than ${bytesMax} bytes`,
      retry: 'permanent',
      subject: { host: call.hostId },
    }),
  );

/** What the agent itself said. A failure body passes through as the failure that it is. */
export function agentAnswered(call: AgentCall, status: number, bytes: Uint8Array): Outcome<AgentAnswer> {
  const json = bytes.length === 0 ? { value: undefined } : readJson(textOf(bytes));
  const succeededStatus = status >= 200 && status < 300;
  if (json !== undefined && succeededStatus) return succeeded({ status, body: json.value });
  if (succeededStatus) return agentError(call, `the answer is not JSON: ${startOf(textOf(bytes))}`);
  const known = failureBody.safeParse(json?.value);
  if (known.success) return failed(known.data.failure);
  return agentError(call, `status ${status} without a failure that this version knows: ${startOf(textOf(bytes))}`);
}

/**
 * What the relay said in the agent's place (the answer has no `Via`). "No listener" is 404, 502 or 503: the relay's documentation names
 * two and hosts were seen to answer the third. 504 comes after the request was handed to the agent.
 */
export function relayAnswered(call: AgentCall, status: number, bytes: Uint8Array): Outcome<never> {
  const said = `the relay answered ${status} ${startOf(textOf(bytes))}`.trim();
  switch (status) {
    case 401:
    case 403:
      return refusedByRelay(call, said);
    case 404:
    case 502:
    case 503:
      return unreachable(call, `no agent listens: ${said}`);
    case 429:
      return unreachable(call, said);
    case 408:
    case 504:
      return timedOut(call, said);
    default:
      if (status >= 400 && status < 500) return refusedByRelay(call, said);
      if (status >= 500) return unreachable(call, said, 'unknown');
      return unreachable(call, `something between the app and the agent answered ${status} in its place`, 'unknown');
  }
}

const refusedByRelay = (call: AgentCall, said: string) =>
  failed(failureOf('RelayRefused', { message: `${nameOf(call)}: ${said}`, subject: { host: call.hostId } }));
