import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { failureOf } from '../contracts/failure';
import { fastClock, testClient, testHost, tokensOf, wait } from './testing/support';
import type { RelayClientOptions } from './client';
import type { TokenProvider } from './token';

const call = { hostId: testHost, method: 'PUT', path: '/v1/operations/op-1', body: { a: 1 } } as const;
const endpoint = 'http://127.0.0.1:1';
const via = { via: '1.1 contoso.servicebus.windows.net' };

/** A fetch that answers what it is told, and remembers how it was asked. */
function scripted(answers: (() => Response | Promise<Response>)[]) {
  const asked: { url: string; headers: Headers; init: RequestInit }[] = [];
  const fetch: typeof globalThis.fetch = async (input, init = {}) => {
    asked.push({ url: String(input instanceof Request ? input.url : input), headers: new Headers(init.headers), init });
    const answer = answers.shift();
    if (answer === undefined) throw new Error('asked too often');
    return answer();
  };
  return { fetch, asked };
}
const clientOf = (answers: Parameters<typeof scripted>[0], options: Partial<RelayClientOptions> = {}) => {
  const { fetch, asked } = scripted(answers);
  return { asked, client: testClient(endpoint, { fetch, ...options }) };
};

describe('an answer of the relay itself, without Via,', () => {
  test.each([
    [400, 'RelayRefused', 'permanent', 'none'],
    [404, 'RelayUnreachable', 'transient', 'none'],
    [408, 'AgentTimedOut', 'transient', 'unknown'],
    [413, 'RelayRefused', 'permanent', 'none'],
    [429, 'RelayUnreachable', 'transient', 'none'],
    [500, 'RelayUnreachable', 'transient', 'unknown'],
    [502, 'RelayUnreachable', 'transient', 'none'],
    [503, 'RelayUnreachable', 'transient', 'none'],
    [504, 'AgentTimedOut', 'transient', 'unknown'],
    [599, 'RelayUnreachable', 'transient', 'unknown'],
    [302, 'RelayUnreachable', 'transient', 'unknown'],
    [200, 'RelayUnreachable', 'transient', 'unknown'],
  ])('with status %p is %s, %s, effect %s', async (status, code, retry, effect) => {
    const { client } = clientOf([() => new Response('the words\nof the relay', { status })]);
    const outcome = await client.send(call);
    expect(outcome).toMatchObject({ ok: false, failure: { code, retry, effect, subject: { host: testHost } } });
    expect(!outcome.ok && outcome.failure.message).toContain(String(status));
  });

  test.each([401, 403])('with status %p is RelayRefused after one fresh token', async (status) => {
    const refused = () => new Response('{"error":{}}', { status });
    const rejected: (string | undefined)[] = [];
    let count = 0;
    const tokens: TokenProvider = {
      token: async (_resource, rejectedValue) => {
        rejected.push(rejectedValue);
        return { value: `token-${(count += 1)}`, expiresAtMs: Number.MAX_SAFE_INTEGER };
      },
    };
    const { client, asked } = clientOf([refused, refused], { tokens });
    expect(await client.send(call)).toMatchObject({ ok: false, failure: { code: 'RelayRefused', effect: 'none' } });
    expect(rejected).toEqual([undefined, 'token-1']);
    expect(asked.map(({ headers }) => headers.get('ServiceBusAuthorization'))).toEqual(['token-1', 'token-2']);
    const [first, second] = asked.map(({ headers }) => headers.get('x-hyperferry-nonce'));
    expect(first).not.toBe(second);
  });

  test('with status 401 is forgotten when the fresh token is good', async () => {
    const { client } = clientOf([
      () => new Response('', { status: 401 }),
      () => Response.json({ ready: true }, { headers: via }),
    ]);
    expect(await client.send(call)).toEqual({ ok: true, value: { status: 200, body: { ready: true } } });
  });
});

describe('an answer of the agent', () => {
  const answered = (body: string, status: number) => clientOf([() => new Response(body, { status, headers: via })]);

  test('that refuses the signature is not asked for again with another token', async () => {
    const failure = failureOf('Unauthorized', { message: 'the signature is not the app’s' });
    const { client, asked } = answered(JSON.stringify({ failure }), 401);
    expect(await client.send(call)).toEqual({ ok: false, failure });
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['a 404 without a failure', 404, 'not here'],
    [
      'a failure of a later version',
      409,
      '{"failure":{"code":"Later","retry":"permanent","effect":"none","message":""}}',
    ],
    ['a status of the relay', 502, ''],
    ['bytes that are not JSON', 200, '{"a":'],
  ])('with %s is an AgentError that quotes it', async (_what, status, body) => {
    const outcome = await answered(body, status).client.send(call);
    expect(outcome).toMatchObject({ ok: false, failure: { code: 'AgentError', effect: 'unknown' } });
  });

  test('is read no further than the limit, and its connection is given up', async () => {
    let canceled = false;
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(1000));
      },
      cancel: () => {
        canceled = true;
      },
    });
    const { client } = clientOf([() => new Response(endless, { headers: via })], { responseBytesMax: 5000 });
    expect(await client.send(call)).toMatchObject({ ok: false, failure: { code: 'AgentError', retry: 'permanent' } });
    expect(canceled).toBe(true);
    expect(pulled).toBeLessThan(10);
  });
});

describe('a request', () => {
  test('carries the token in its own header, nothing in the URL, and follows no redirect', async () => {
    const { client, asked } = clientOf([() => new Response(null, { status: 204, headers: via })]);
    await client.send(call);
    expect(asked[0]!.url).toBe(`${endpoint}/host-1/v1/operations/op-1`);
    expect(asked[0]!.headers.get('ServiceBusAuthorization')).toMatch(/^SharedAccessSignature sr=/);
    expect(asked[0]!.headers.has('authorization')).toBe(false);
    expect(asked[0]!.init.redirect).toBe('manual');
  });

  test.each(['/../host-2/v1/vms', 'x', '/../../x', '/a#b'])(
    'for the path %s, which is not within the agent, is not sent',
    async (path) => {
      const { client, asked } = clientOf([]);
      expect(await client.send({ ...call, path })).toMatchObject({ ok: false, failure: { code: 'RequestInvalid' } });
      expect(asked).toHaveLength(0);
    },
  );

  test('without a token is not sent', async () => {
    const tokens = { token: () => Promise.reject(new Error('no identity')) };
    const { client } = clientOf([], { tokens });
    const outcome = await client.send(call);
    expect(outcome).toMatchObject({ ok: false, failure: { code: 'RelayUnreachable', effect: 'none' } });
    expect(!outcome.ok && outcome.failure.message).toContain('no token for the relay: no identity');
  });

  test('whose token does not come in its time is not sent', async () => {
    const { client } = clientOf([], { tokens: { token: () => new Promise(() => {}) } });
    const outcome = await client.send({ ...call, timeoutMs: 30 });
    expect(outcome).toMatchObject({ ok: false, failure: { code: 'RelayUnreachable', effect: 'none' } });
  });

  test('ends before the relay would end it, however long the caller would wait', async () => {
    const clock = fastClock(1000);
    const { client } = clientOf(
      [() => new Promise((_, reject) => setTimeout(() => reject(new Error('aborted')), 200))],
      { clock, tokens: tokensOf('app') },
    );
    const outcome = await client.send({ ...call, timeoutMs: 3_600_000 });
    expect(!outcome.ok && outcome.failure.message).toContain('no answer within 55000 ms');
  });
});

describe('a connection', () => {
  const coded = (code: string, depth: number): Error => {
    const inner = Object.assign(new Error(code), { code });
    return depth === 0 ? inner : new TypeError('fetch failed', { cause: coded(code, depth - 1) });
  };

  test.each([
    ['ECONNREFUSED', 'RelayUnreachable', 'none'],
    ['ENOTFOUND', 'RelayUnreachable', 'none'],
    ['EAI_AGAIN', 'RelayUnreachable', 'none'],
    ['UND_ERR_CONNECT_TIMEOUT', 'RelayUnreachable', 'none'],
    ['CERT_HAS_EXPIRED', 'RelayUnreachable', 'none'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'RelayUnreachable', 'none'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'RelayUnreachable', 'none'],
    ['ECONNRESET', 'AgentTimedOut', 'unknown'],
    ['EPIPE', 'AgentTimedOut', 'unknown'],
    ['UND_ERR_SOCKET', 'AgentTimedOut', 'unknown'],
    ['SOMETHING_NEW', 'AgentTimedOut', 'unknown'],
  ])('that ends with %s is %s, effect %s', async (code, failureCode, effect) => {
    for (const depth of [1, 2]) {
      const { client } = clientOf([() => Promise.reject(coded(code, depth))]);
      expect(await client.send(call)).toMatchObject({ ok: false, failure: { code: failureCode, effect } });
    }
  });

  /** A relay that does with each connection what `serve` does. */
  async function withServer(serve: (socket: Socket) => void, use: (endpoint: string) => Promise<void>) {
    const server: Server = createServer((request) => serve(request.socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await use(`http://127.0.0.1:${port}`);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  const unknown = { ok: false, failure: { code: 'AgentTimedOut', effect: 'unknown' } };

  test('that is lost with the request under way leaves the effect unknown', async () => {
    await withServer(
      (socket) => socket.destroy(),
      async (url) => expect(await testClient(url).send(call)).toMatchObject(unknown),
    );
  });

  test('that is lost in the middle of the answer leaves the effect unknown', async () => {
    await withServer(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nVia: 1.1 x\r\nContent-Length: 100\r\n\r\n{"half":');
        setTimeout(() => socket.destroy(), 20);
      },
      async (url) => expect(await testClient(url).send(call)).toMatchObject(unknown),
    );
  });

  test('on which nothing comes is given up in time, also in the middle of the answer', async () => {
    await withServer(
      (socket) => void socket.write('HTTP/1.1 200 OK\r\nVia: 1.1 x\r\nContent-Length: 100\r\n\r\n{"half":'),
      async (url) => expect(await testClient(url).send({ ...call, timeoutMs: 60 })).toMatchObject(unknown),
    );
  });

  test('that is refused means that nothing was sent', async () => {
    const port = await withServer(
      () => {},
      async () => wait(0),
    );
    const outcome = await testClient(`http://127.0.0.1:${port}`).send(call);
    expect(outcome).toMatchObject({ ok: false, failure: { code: 'RelayUnreachable', effect: 'none' } });
  });
});
