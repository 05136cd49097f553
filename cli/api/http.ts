import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { z } from 'zod';
import { describeThrown } from '../../contracts/failure';
import { problem } from '../../contracts/problem';
import { propertyOfThrown } from '../thrown';
import type { ApiError, ApiResult } from './errors';

/** Answers above this are not documents of this interface; reading stops there. */
export const answerBytesMax = 16 * 1024 * 1024;

export type HttpCall = {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly body?: unknown;
  readonly key?: string | undefined;
  readonly timeoutMs: number;
};

type RawAnswer = { readonly status: number; readonly text: string };
type Line = { connected: boolean };

async function readBounded(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Buffer)) continue;
    length += chunk.length;
    if (length > answerBytesMax) throw new Error(`the answer is longer than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** One exchange on a connection of its own: a kept connection would make the first request after a restart of the app fail. */
function exchange(call: HttpCall, line: Line): Promise<RawAnswer> {
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const send = call.url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = send(call.url, {
      method: call.method,
      agent: false,
      signal: AbortSignal.timeout(call.timeoutMs),
      headers: {
        accept: 'application/json, application/problem+json',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        ...(call.key === undefined ? {} : { 'x-functions-key': call.key }),
      },
    });
    outgoing.on('error', reject);
    outgoing.on('socket', (socket) => {
      const connected = call.url.protocol === 'https:' ? 'secureConnect' : 'connect';
      socket.once(connected, () => (line.connected = true));
    });
    outgoing.on('response', (response) => {
      readBounded(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    outgoing.end(body);
  });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function whyUnreachable(thrown: unknown, timeoutMs: number): string {
  if (propertyOfThrown(thrown, 'name') === 'AbortError') return `no answer within ${timeoutMs / 1000} s`;
  if (thrown instanceof AggregateError && thrown.message === '')
    return thrown.errors.map((one) => describeThrown(one)).join('; ');
  return describeThrown(thrown);
}

function errorOf(url: string, { status, text }: RawAnswer): ApiError {
  if (status === 503 && text === '') return { kind: 'starting', url };
  const parsed = problem.safeParse(parsedJson(text));
  if (parsed.success) return { kind: 'problem', url, status, problem: parsed.data };
  return {
    kind: 'unreadable',
    url,
    status,
    message: `status ${status} without a problem document: ${text === '' ? 'an empty body' : text.slice(0, 200)}`,
  };
}

/** Sends one request and reads its answer by the schema. Never throws for what the network or the other side does. */
export async function callApi<T>(call: HttpCall, schema: z.ZodType<T>): Promise<ApiResult<T>> {
  const url = call.url.href;
  const line: Line = { connected: false };
  let answer: RawAnswer;
  try {
    answer = await exchange(call, line);
  } catch (thrown) {
    const message = whyUnreachable(thrown, call.timeoutMs);
    return { ok: false, error: { kind: 'unreachable', url, message, mayHaveArrived: line.connected } };
  }
  if (answer.status < 200 || answer.status > 299) return { ok: false, error: errorOf(url, answer) };
  const parsed = schema.safeParse(parsedJson(answer.text));
  if (parsed.success) return { ok: true, value: parsed.data };
  const where = parsed.error.issues[0];
  const message = `the answer is not of this contract: ${where?.path.join('.') ?? ''} ${where?.message ?? ''}`.trim();
  return { ok: false, error: { kind: 'unreadable', url, status: answer.status, message } };
}
