import { createServer, type IncomingMessage, type Server } from 'node:http';

export type FakeRequest = {
  readonly method: string;
  /** Path and query, without `/api`. */
  readonly path: string;
  readonly key: string | undefined;
  readonly body: unknown;
};
/** `drop` closes the connection after the request was read, as an app that dies then does. */
export type FakeAnswer = { readonly status: number; readonly body: unknown; readonly contentType?: string } | 'drop';
export type FakeHandler = (request: FakeRequest) => FakeAnswer;

export type FakeApi = {
  readonly url: string;
  readonly port: number;
  readonly requests: FakeRequest[];
  close(): Promise<void>;
};

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** An HTTP server on 127.0.0.1 that answers what the handler says and keeps what it was asked. */
export async function startFakeApi(handler: FakeHandler, port = 0): Promise<FakeApi> {
  const requests: FakeRequest[] = [];
  const server = createServer((incoming, response) => {
    void bodyOf(incoming).then((body) => {
      const key = incoming.headers['x-functions-key'];
      const request: FakeRequest = {
        method: incoming.method ?? '',
        path: (incoming.url ?? '').replace(/^\/api/, ''),
        key: typeof key === 'string' ? key : undefined,
        body,
      };
      requests.push(request);
      const answer = handler(request);
      if (answer === 'drop') {
        incoming.socket.destroy();
        return;
      }
      const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
      response.writeHead(answer.status, { 'content-type': answer.contentType ?? 'application/json' });
      response.end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fake server has no port');
  return {
    url: `http://127.0.0.1:${address.port}/api`,
    port: address.port,
    requests,
    close: () => closed(server),
  };
}

/** Routes by `METHOD /path`; a value is answered with status 200, a function says all of it. Everything else is 404. */
export function routes(table: Readonly<Record<string, unknown>>): FakeHandler {
  return (request) => {
    const entry = table[`${request.method} ${request.path}`];
    if (typeof entry === 'function') return (entry as FakeHandler)(request);
    if (entry !== undefined) return { status: 200, body: entry };
    return problemAnswer(404, 'NotFound', `nothing at ${request.path}`);
  };
}

export const problemAnswer = (
  status: number,
  code: string,
  detail: string,
  more: Readonly<Record<string, unknown>> = {},
): FakeAnswer => ({
  status,
  contentType: 'application/problem+json',
  body: { type: `https://example.invalid/${code}`, title: `It is ${code}`, status, detail, code, ...more },
});
