import { rawSend, tokenFor } from './testing/probe';
import { jsonResponse, type RequestHandler } from './exchange';
import type { ListenerOptions } from './listener-options';
import { startTap } from './testing/tap';
import { createBench, get, heldHandler, ok } from './testing/bench';
import { connected, recordedLog, testClient, testEmulator, testHost, until } from './testing/support';

const bench = createBench();
const { keep, startRelay, listen } = bench;
afterEach(() => bench.close());

describe('what the relay sends cannot stop a listener', () => {
  test.each([
    ['text that is not JSON', 'hello'],
    ['a torn frame', '{"request":'],
    ['an empty text', ''],
    ['a number', '7'],
    ['unknown keys', '{"injectFault":{"x":1},"later":{}}'],
    ['a request without an id', '{"request":{"method":"GET","requestTarget":"/x"}}'],
    ['a request with a strange method', '{"request":{"id":"1","method":"G E T","requestTarget":"/x"}}'],
    ['a request that waits at no URL', '{"request":{"address":"nowhere"}}'],
    ['a request that waits at a closed port', '{"request":{"address":"ws://127.0.0.1:1/$hc/host-1"}}'],
    ['an accept with a bad address', '{"accept":{"address":"::","id":"1"}}'],
    ['a body that nobody announced', Buffer.from([1, 2, 3])],
    ['a request whose body does not come', '{"request":{"id":"1","method":"PUT","requestTarget":"/x","body":true}}'],
    ['a very deep document', '['.repeat(60_000)],
  ])('%s', async (_what, message) => {
    const emulator = await startRelay();
    await connected(listen(emulator.endpoint, ok));
    const before = emulator.listeners(testHost);
    emulator.inject(testHost, message);
    expect(await get(testClient(emulator.endpoint))).toMatchObject({ ok: true, value: { status: 200 } });
    expect(emulator.listeners(testHost)).toEqual(before);
  });

  test('a message above the limit of the channel costs that channel; another opens', async () => {
    const emulator = await startRelay();
    await connected(listen(emulator.endpoint, ok));
    const [before] = emulator.listeners(testHost);
    emulator.inject(testHost, 'x'.repeat(300_000));
    await until('another channel', () => ![before, undefined].includes(emulator.listeners(testHost)[0]));
    expect(await get(testClient(emulator.endpoint))).toMatchObject({ ok: true, value: { status: 200 } });
  });

  test('a sender that asks for a WebSocket is refused, by the way that the protocol has for it', async () => {
    const emulator = await startRelay();
    const { log, text } = recordedLog();
    await connected(listen(emulator.endpoint, ok, { log }));
    expect(await emulator.offerWebSocket(testHost)).toMatchObject({ type: 'refused', status: '501' });
    await until('it is said', () => text().includes('refused a sender'));
    expect((await get(testClient(emulator.endpoint))).ok).toBe(true);
  });

  test('an address outside of the relay is never opened', async () => {
    const emulator = await startRelay();
    const elsewhere = keep(await startTap(1));
    const { log, text } = recordedLog();
    await connected(listen(emulator.endpoint, ok, { log }));
    const address = `${elsewhere.endpoint.replace('http://127.0.0.1', 'ws://localhost')}/$hc/host-1`;
    emulator.inject(testHost, JSON.stringify({ request: { address } }));
    emulator.inject(testHost, JSON.stringify({ accept: { address, id: '1' } }));
    await until('both are refused', () => text().split("is not of the relay's domain").length === 3);
    expect(elsewhere.connectionCount()).toBe(0);
  });
});

describe('a request that the agent cannot serve', () => {
  const serve = async (handler: RequestHandler, limits: ListenerOptions['limits'] = {}) => {
    const emulator = await startRelay();
    const { log, text } = recordedLog();
    const listener = listen(emulator.endpoint, handler, { limits, log });
    await connected(listener);
    return { emulator, listener, text, client: testClient(emulator.endpoint, { requestBytesMax: 4_000_000 }) };
  };

  test('in time is answered for it, and the handler is told', async () => {
    let told = false;
    const { client, text } = await serve(
      ({ signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => (told = true));
        }),
      { responseMsMax: 50 },
    );
    expect(await get(client)).toMatchObject({ ok: false, failure: { code: 'AgentTimedOut', effect: 'unknown' } });
    expect(told).toBe(true);
    expect(text()).toContain('not done within 50 ms');
  });

  test('for its size is refused, or its connection dropped; the next is served', async () => {
    const { client } = await serve(ok, { requestBytesMax: 100_000 });
    const send = (length: number) =>
      client.send({ hostId: testHost, method: 'PUT', path: '/x', body: 'x'.repeat(length) });
    expect(await send(150_000)).toMatchObject({ ok: false, failure: { code: 'BodyTooLarge', effect: 'none' } });
    expect(await send(3_000_000)).toMatchObject({ ok: false, failure: { code: 'AgentTimedOut' } });
    expect(await send(10)).toMatchObject({ ok: true });
  });

  test('beside too many others is put off', async () => {
    const { handler, held } = heldHandler();
    const { client } = await serve(handler, { requestsAtOnceMax: 2 });
    const first = [get(client), get(client)];
    await until('two are under way', () => held.length === 2);
    const expected = { code: 'RelayUnreachable', retry: 'transient', effect: 'none' };
    expect(await get(client)).toMatchObject({ ok: false, failure: expected });
    held.forEach((release) => release());
    expect((await Promise.all(first)).map((outcome) => outcome.ok)).toEqual([true, true]);
  });

  test('for want of a rendezvous costs that answer alone', async () => {
    const { client, emulator, text } = await serve(async ({ path }) => jsonResponse(200, path.repeat(50_000)));
    emulator.switches.rendezvous = 'refused';
    const lost = client.send({ hostId: testHost, method: 'GET', path: '/large', timeoutMs: 300 });
    expect(await lost).toMatchObject({ ok: false, failure: { code: 'AgentTimedOut' } });
    await until('the log says why', () => text().includes('no rendezvous for a large answer: refused with 403'));
    emulator.switches.rendezvous = 'served';
    expect((await get(client, '/large')).ok).toBe(true);
  });

  test.each([502, 504, 199, 600, 200.5, Number.NaN])('with the status %p is answered 500', async (status) => {
    const { emulator } = await serve(async () => ({ status }));
    expect((await rawSend(emulator.endpoint)).status).toBe(500);
  });

  test('HEAD is answered without a body', async () => {
    const { emulator } = await serve(ok);
    const answer = await rawSend(emulator.endpoint, { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, body: '' });
  });
});

test('an answer whose channel closed meanwhile takes a rendezvous', async () => {
  const emulator = await startRelay();
  const { handler, held } = heldHandler();
  await connected(listen(emulator.endpoint, handler));
  const before = emulator.listeners(testHost);
  const sent = get(testClient(emulator.endpoint));
  await until('it is under way', () => held.length === 1);
  emulator.injectBytes(testHost, Buffer.from([0x88, 0x02, 0x03, 0xe9]));
  await until('another channel', () => !before.includes(emulator.listeners(testHost)[0] ?? before[0]!));
  held[0]!();
  expect(await sent).toMatchObject({ ok: true, value: { status: 204 } });
});

describe('a listener that closes', () => {
  test('finishes what is under way, refuses what comes, and is gone', async () => {
    const emulator = await startRelay();
    const { handler, held } = heldHandler();
    const listener = listen(emulator.endpoint, handler, { limits: { drainMsMax: 5000 } });
    await connected(listener);
    const client = testClient(emulator.endpoint);
    const underWay = get(client);
    await until('it is under way', () => held.length === 1);
    const closing = listener.close();
    expect(listener.close()).toBe(closing);
    expect(await get(client)).toMatchObject({ ok: false, failure: { code: 'RelayUnreachable', effect: 'none' } });
    held[0]!();
    expect((await underWay).ok).toBe(true);
    await closing;
    expect(listener.state()).toEqual({ name: 'closed' });
    await until('the relay knows', () => emulator.listeners(testHost).length === 0);
  });

  test('does not wait for ever: what is not done in time is answered as unknown', async () => {
    const emulator = await startRelay();
    let arrived = false;
    const handler: RequestHandler = () => {
      arrived = true;
      return new Promise(() => {});
    };
    const listener = listen(emulator.endpoint, handler, { limits: { drainMsMax: 50 } });
    await connected(listener);
    const underWay = get(testClient(emulator.endpoint));
    await until('it is under way', () => arrived);
    await listener.close();
    expect(await underWay).toMatchObject({ ok: false, failure: { code: 'AgentTimedOut', effect: 'unknown' } });
  });

  test('while it waits to connect ends at once', async () => {
    const emulator = await testEmulator();
    await emulator.close();
    const listener = listen(emulator.endpoint, ok);
    await until('it waits', () => listener.state().name === 'waiting');
    await listener.close();
    expect(listener.state()).toEqual({ name: 'closed' });
  });
});

test('two listeners share the requests, and one that leaves costs none', async () => {
  const emulator = await startRelay();
  const served = [0, 0];
  const [first, second] = [0, 1].map((index) =>
    listen(emulator.endpoint, async () => jsonResponse(200, (served[index]! += 1)), { limits: { drainMsMax: 1000 } }),
  );
  await Promise.all([connected(first!), connected(second!)]);
  const client = testClient(emulator.endpoint);
  const before = await Promise.all(Array.from({ length: 40 }, () => get(client)));
  const leaving = first!.close();
  await leaving;
  const after = await Promise.all(Array.from({ length: 10 }, () => get(client)));
  expect([...before, ...after].every((outcome) => outcome.ok)).toBe(true);
  expect(served[0]).toBeGreaterThan(5);
  expect(served[1]).toBeGreaterThan(10);
});

test('a callback of the state that throws harms nobody, and one that was taken back is not called', async () => {
  const emulator = await startRelay();
  const { log, text } = recordedLog();
  const listener = listen(emulator.endpoint, ok, { log });
  let calls = 0;
  const stop = listener.onState(() => (calls += 1));
  stop();
  listener.onState(() => {
    throw new Error('a bug of the caller');
  });
  await connected(listener);
  await until('it is said', () => text().includes('a bug of the caller'));
  expect(calls).toBe(0);
  expect((await rawSend(emulator.endpoint, { headers: { ServiceBusAuthorization: tokenFor('app') } })).status).toBe(
    200,
  );
});
