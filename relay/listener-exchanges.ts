import { STATUS_CODES } from 'node:http';
import { describeThrown, failureOf, type Failure } from '../contracts/failure';
import { withoutHybridConnection } from './address';
import { pause } from './clock';
import { bytesOf, failureResponse, type RelayResponse } from './exchange';
import { headerBytes, type RequestFrame } from './frames';
import { answerRequest } from './listener-answer';
import type { ListenerContext } from './listener-options';

/** An answer as it goes on the wire. */
export type OutgoingResponse = {
  readonly frame: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array | undefined;
  readonly headerBytes: number;
};

export type Exchanges = {
  /** Answers a request through `reply`, whatever happens. Returns at once and never throws. */
  handle(frame: RequestFrame, body: Buffer, reply: (response: OutgoingResponse) => Promise<void>): void;
  /** Refuses further requests and waits for those under way, at most `msMax`; what is not done by then is given up. */
  drain(msMax: number): Promise<void>;
};

const refused = (status: number, code: Failure['code'], message: string) =>
  failureResponse(status, failureOf(code, { message, effect: 'none' }));

/** For the answers to requests that were given up; a socket that takes nothing must not hold the end back. */
const lastAnswersMsMax = 1000;

/** The requests that a listener is answering, over all its sockets. */
export function createExchanges(context: ListenerContext): Exchanges {
  const { limits, log, path } = context;
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  let draining = false;

  const respond = async (frame: RequestFrame, body: Buffer, othersUnderWay: number): Promise<RelayResponse> => {
    if (draining) return refused(503, 'RelayUnreachable', 'the agent is stopping');
    if (othersUnderWay >= limits.requestsAtOnceMax)
      return refused(503, 'RelayUnreachable', `the agent answers ${limits.requestsAtOnceMax} requests at once already`);
    if (body.length > limits.requestBytesMax)
      return refused(413, 'BodyTooLarge', `a request has at most ${limits.requestBytesMax} bytes`);
    const target = withoutHybridConnection(path, frame.requestTarget);
    return answerRequest(
      { method: frame.method, path: target, headers: frame.requestHeaders, body },
      { ...context, responseMsMax: limits.responseMsMax, stopping: stopping.signal },
    );
  };

  return {
    handle(frame, body, reply) {
      const exchange = respond(frame, body, underWay.size)
        .then((response) => reply(onTheWire(frame, response)))
        .catch((thrown: unknown) =>
          log({ level: 'warn', message: `an answer could not be sent: ${describeThrown(thrown)}` }),
        )
        .finally(() => underWay.delete(exchange));
      underWay.add(exchange);
    },
    async drain(msMax) {
      draining = true;
      const done = new AbortController();
      void Promise.all(underWay).then(() => done.abort());
      await pause(context.clock, msMax, done.signal);
      stopping.abort();
      await pause(context.clock, lastAnswersMsMax, done.signal);
    },
  };
}

function onTheWire(request: RequestFrame, response: RelayResponse): OutgoingResponse {
  const headers = response.headers ?? {};
  const bytes = bytesOf(response.body);
  const bodiless = request.method === 'HEAD' || response.status === 204 || response.status === 304;
  const body = bodiless || bytes.length === 0 ? undefined : bytes;
  const frame = {
    response: {
      requestId: request.id,
      statusCode: response.status,
      statusDescription: STATUS_CODES[response.status] ?? '',
      responseHeaders: headers,
      body: body !== undefined,
    },
  };
  return { frame, body, headerBytes: headerBytes(headers) };
}
