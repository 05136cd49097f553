import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describeThrown } from '../contracts/failure';
import { startTimer } from './clock';
import type { EmulatorContext } from './emulator-options';
import type { ResponseFrame } from './frames';
import { randomGuid } from './random';

export type SenderRequest = {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

/** One HTTP request of a sender, until it is answered: by the listener, by the emulator in its place, or by nobody. */
export type Exchange = {
  readonly id: string;
  /** The hybrid connection. */
  readonly path: string;
  readonly request: SenderRequest;
  /** The sender's connection; a rendezvous belongs to it. */
  readonly senderSocket: Socket;
  settled(): boolean;
  /** Calls back once, when the exchange is answered or given up. */
  onSettled(callback: () => void): void;
  /** The listener's answer. A second one for the same request is ignored. */
  respond(frame: ResponseFrame, body: Buffer): void;
  /** The relay's own answer: JSON, without `Via`. */
  fail(status: number, code: string, message: string): void;
  /** Ends the sender's connection without an answer. */
  abandon(): void;
};

/** Headers that end at each hop (RFC 7230, section 6.1, and those that the relay names). */
export const hopHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'close',
]);

/** What the relay itself answers to a sender. */
export function answerAsRelay(
  { random }: Pick<EmulatorContext, 'random'>,
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
): void {
  if (response.headersSent || response.destroyed) return;
  const body = JSON.stringify({ error: { code, message: `${message} TrackingId:${randomGuid(random)}` } });
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

export function createExchange(
  context: EmulatorContext,
  path: string,
  request: SenderRequest,
  senderSocket: Socket,
  response: ServerResponse,
): Exchange {
  const { clock, limits, log, random, switches } = context;
  const callbacks: (() => void)[] = [];
  let done = false;

  /** True the first time only: whoever settles an exchange answers it. */
  const settle = (): boolean => {
    if (done) return false;
    done = true;
    stopTimer();
    for (const callback of callbacks) callback();
    return true;
  };

  const fail: Exchange['fail'] = (status, code, message) => {
    if (settle()) answerAsRelay(context, response, status, code, message);
  };
  const deliver: Exchange['respond'] = (frame, body) => {
    if (!settle()) return;
    try {
      writeAnswer(context, response, request.method, frame, body);
    } catch (thrown) {
      log({ level: 'warn', message: `a response could not be written: ${describeThrown(thrown)}` });
      answerAsRelay(context, response, 500, 'InternalServerError', 'The listener sent an invalid response.');
    }
  };
  const respond: Exchange['respond'] = (frame, body) => {
    const fault = switches.response();
    if (fault.do === 'drop') return;
    if (fault.do === 'delay') startTimer(clock, fault.ms, () => deliver(frame, body));
    else if (fault.do === 'cut' && settle()) cutAnswer(response, frame, body);
    else deliver(frame, body);
    if (fault.do === 'duplicate') deliver(frame, body);
  };

  const late = 'The request was routed to the listener but the listener did not respond in the required time.';
  const stopTimer = startTimer(clock, limits.responseMsMax, () => fail(504, 'GatewayTimeout', late));
  response.on('close', () => settle());

  const abandon = () => {
    settle();
    response.destroy();
  };
  return {
    id: randomGuid(random),
    path,
    request,
    senderSocket,
    settled: () => done,
    onSettled: (callback) => void callbacks.push(callback),
    respond,
    fail,
    abandon,
  };
}

function writeAnswer(
  { namespace }: EmulatorContext,
  response: ServerResponse,
  method: string,
  frame: ResponseFrame,
  body: Buffer,
): void {
  const kept = Object.entries(frame.responseHeaders).filter(([name]) => !hopHeaders.has(name) && name !== 'via');
  const via = [frame.responseHeaders['via'], `1.1 ${namespace}`].filter((part) => part !== undefined).join(', ');
  const bodiless = method === 'HEAD' || frame.statusCode === 204 || frame.statusCode === 304;
  const length = bodiless ? {} : { 'content-length': String(body.length) };
  const description = (frame.statusDescription ?? '').replace(/[^\x20-\x7e]/g, '');
  response.writeHead(frame.statusCode, description, { ...Object.fromEntries(kept), ...length, via });
  response.end(bodiless ? undefined : body);
}

function cutAnswer(response: ServerResponse, frame: ResponseFrame, body: Buffer): void {
  response.writeHead(frame.statusCode, { via: '1.1 cut', 'content-length': String(Math.max(body.length, 2)) });
  response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy());
}
