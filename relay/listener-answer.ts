import { describeThrown, failureOf } from '../contracts/failure';
import { pause } from './clock';
import { failureResponse, type RelayRequest, type RelayResponse } from './exchange';
import type { ListenerContext } from './listener-options';

type Answering = Pick<ListenerContext, 'handler' | 'clock' | 'log'> & {
  readonly responseMsMax: number;
  /** Aborted when the listener stops and waits no longer. */
  readonly stopping: AbortSignal;
};

const tooLate = Symbol('too late');

/**
 * The handler's answer, or one in its place: 500 with AgentError when it throws or answers what the relay does not allow, 500 with
 * AgentTimedOut when it is not done after `responseMsMax` or when the listener stops. Never throws.
 */
export async function answerRequest(
  request: Omit<RelayRequest, 'signal'>,
  { handler, clock, log, responseMsMax, stopping }: Answering,
): Promise<RelayResponse> {
  const name = `${request.method} ${request.path}`;
  const over = new AbortController();
  const noLonger = AbortSignal.any([over.signal, stopping]);
  const late = pause(clock, responseMsMax, noLonger).then((): typeof tooLate => tooLate);
  const handled = async () => handler({ ...request, signal: over.signal });
  try {
    const answer = await Promise.race([handled(), late]);
    if (answer === tooLate) {
      const message = stopping.aborted
        ? 'the agent stopped before it was done'
        : `the agent was not done within ${responseMsMax} ms`;
      log({ level: 'error', message: `${name}: ${message}` });
      return failureResponse(500, failureOf('AgentTimedOut', { message }));
    }
    return allowedByRelay(answer);
  } catch (thrown) {
    log({ level: 'error', message: `${name} failed: ${describeThrown(thrown)}` });
    const message = "the agent could not handle the request; the cause is in the agent's log";
    return failureResponse(500, failureOf('AgentError', { message }));
  } finally {
    over.abort();
  }
}

/** 502 and 504 are the relay's own; a listener may not answer them, and the app would mistake them. */
function allowedByRelay(response: RelayResponse): RelayResponse {
  const { status } = response;
  if (!Number.isInteger(status) || status < 200 || status > 599 || status === 502 || status === 504)
    throw new Error(`the handler answered with status ${status}, which a listener may not`);
  return response;
}
