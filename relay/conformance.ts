import type { KeyObject } from 'node:crypto';
import { failureOf, type Outcome } from '../contracts/failure';
import type { HostId } from '../contracts/ids';
import type { AgentAnswer, RelayClient } from './call';
import { failureResponse, jsonResponse, type RelayRequest, type RequestHandler } from './exchange';
import { createNonceMemory } from './nonces';
import { verifyRequest } from './signed-request';

/** A relay client joined to the place where an agent would be. */
export type TransportUnderTest = {
  /** Takes requests of at least `largeBytes`. */
  readonly client: RelayClient;
  readonly hostId: HostId;
  readonly publicKey: KeyObject;
  /** Serves the host; resolves when requests reach it. The function that it resolves to ends that. */
  readonly serve: (handler: RequestHandler) => Promise<() => Promise<void>>;
  readonly close: () => Promise<void>;
};

/** More than the control channel of the relay takes. */
export const largeBytes = 300_000;

const echo: RequestHandler = async ({ method, path, body }) =>
  jsonResponse(200, { method, path, text: Buffer.from(body).toString('utf8') });

const codeOf = (outcome: Outcome<AgentAnswer>) => (outcome.ok ? 'none' : outcome.failure.code);

/** What the app and the agent may rely on, whatever carries their messages. Run by jest against each transport. */
export function describeTransport(name: string, open: () => Promise<TransportUnderTest>): void {
  describe(`the transport ${name}`, () => {
    let transport: TransportUnderTest;
    beforeEach(async () => {
      transport = await open();
    });
    afterEach(async () => {
      await transport.close();
    });

    describeAnswers(() => transport);
    describeFailures(() => transport);
    describeSizes(() => transport);
  });
}

function describeAnswers(transport: () => TransportUnderTest): void {
  test('a request arrives as it was sent and its answer comes back', async () => {
    const { client, hostId, serve } = transport();
    await serve(echo);
    const body = { text: 'Grüße, 世界, "quoted"\n' };
    const outcome = await client.send({ hostId, method: 'PUT', path: '/v1/operations/op-1?waitMs=5&x=a%20b', body });
    const echoed = { method: 'PUT', path: '/v1/operations/op-1?waitMs=5&x=a%20b', text: JSON.stringify(body) };
    expect(outcome).toEqual({ ok: true, value: { status: 200, body: echoed } });
  });

  test('a request carries a signature that holds once, for this host alone', async () => {
    const { client, hostId, publicKey, serve } = transport();
    const received: RelayRequest[] = [];
    await serve(async (request) => {
      received.push(request);
      return { status: 204 };
    });
    const outcome = await client.send({ hostId, method: 'POST', path: '/v1/x', body: { a: 1 } });
    expect(outcome).toEqual({ ok: true, value: { status: 204, body: undefined } });
    const [request] = received;
    if (request === undefined) throw new Error('no request arrived');
    const nonces = createNonceMemory();
    const check = (host: HostId) =>
      verifyRequest([publicKey], request, {
        hostId: host,
        nowMs: Number(request.headers['x-hyperferry-time']),
        nonces,
      });
    expect(check(hostId).ok).toBe(true);
    expect(check(hostId)).toMatchObject({ ok: false, failure: { code: 'Unauthorized' } });
  });

  test('twenty calls at once each get their own answer', async () => {
    const { client, hostId, serve } = transport();
    await serve(echo);
    const paths = Array.from({ length: 20 }, (_, index) => `/v1/vms/${index}`);
    const outcomes = await Promise.all(paths.map((path) => client.send({ hostId, method: 'GET', path })));
    expect(outcomes.map((outcome) => outcome.ok && outcome.value.body)).toEqual(
      paths.map((path) => ({ method: 'GET', path, text: '' })),
    );
  });
}

function describeFailures(transport: () => TransportUnderTest): void {
  const get = { method: 'GET', path: '/v1/health' } as const;

  test("an agent's failure passes through as it is", async () => {
    const { client, hostId, serve } = transport();
    const failure = failureOf('EpochStale', { message: 'epoch 2 came before', subject: { operationId: 'op-1' } });
    await serve(async () => failureResponse(409, failure));
    expect(await client.send({ hostId, ...get })).toEqual({ ok: false, failure });
  });

  test('without a listener nothing is sent, and the failure says so', async () => {
    const { client, hostId } = transport();
    const expected = { code: 'RelayUnreachable', retry: 'transient', effect: 'none' };
    expect(await client.send({ hostId, ...get })).toMatchObject({ ok: false, failure: expected });
  });

  test('a listener that stops is gone, and found again when it is back', async () => {
    const { client, hostId, serve } = transport();
    const stop = await serve(echo);
    expect((await client.send({ hostId, ...get })).ok).toBe(true);
    await stop();
    expect(codeOf(await client.send({ hostId, ...get }))).toBe('RelayUnreachable');
    await serve(echo);
    expect((await client.send({ hostId, ...get })).ok).toBe(true);
  });

  test('a handler that throws, or answers what no agent may, is an AgentError, and the next request is served', async () => {
    const { client, hostId, serve } = transport();
    const answers: RequestHandler[] = [
      async () => {
        throw new Error('a bug of the agent');
      },
      async () => ({ status: 504 }),
      async () => ({ status: 200, body: '<html>' }),
      async () => ({ status: 418, body: '{"failure":{"code":"OfALaterVersion"}}' }),
    ];
    await serve(async (request) => (answers.shift() ?? echo)(request));
    for (let call = 0; call < 4; call += 1) expect(codeOf(await client.send({ hostId, ...get }))).toBe('AgentError');
    expect((await client.send({ hostId, ...get })).ok).toBe(true);
  });

  test('an answer that comes too late may have been carried out, and the failure says so', async () => {
    const { client, hostId, serve } = transport();
    let carriedOut = 0;
    await serve(async ({ signal }) => {
      carriedOut += 1;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      return { status: 204 };
    });
    const outcome = await client.send({ hostId, ...get, timeoutMs: 800 });
    const expected = { code: 'AgentTimedOut', retry: 'transient', effect: 'unknown' };
    expect(outcome).toMatchObject({ ok: false, failure: expected });
    expect(carriedOut).toBe(1);
  });
}

function describeSizes(transport: () => TransportUnderTest): void {
  test('a large request and a large answer arrive whole, and small ones after them', async () => {
    const { client, hostId, serve } = transport();
    await serve(echo);
    for (const length of [largeBytes, 3, largeBytes]) {
      const text = 'x'.repeat(length);
      const outcome = await client.send({ hostId, method: 'PUT', path: '/large', body: text });
      expect(outcome).toMatchObject({ ok: true, value: { body: { text: JSON.stringify(text) } } });
    }
  });

  test('a request above the limit is refused before anything is sent', async () => {
    const { client, hostId, serve } = transport();
    let received = 0;
    await serve(async () => {
      received += 1;
      return { status: 204 };
    });
    const outcome = await client.send({ hostId, method: 'PUT', path: '/large', body: 'x'.repeat(2 * largeBytes) });
    expect(outcome).toMatchObject({ ok: false, failure: { code: 'BodyTooLarge', effect: 'none' } });
    expect(received).toBe(0);
  });

  test('an answer above what the app takes is an AgentError that no repeat would mend', async () => {
    const { client, hostId, serve } = transport();
    await serve(async () => ({ status: 200, body: JSON.stringify('x'.repeat(1_100_000)) }));
    const outcome = await client.send({ hostId, method: 'GET', path: '/' });
    expect(outcome).toMatchObject({ ok: false, failure: { code: 'AgentError', retry: 'permanent' } });
  });
}
