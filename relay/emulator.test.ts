import { Agent } from 'node:http';
import { controlBodyBytesMax } from './frames';
import type { Emulator } from './emulator';
import type { EmulatorOptions } from './emulator-options';
import { rawListener, rawSend, rawSocket, refusedHandshake, tokenFor, webSocketUrl } from './testing/probe';
import type { RawListener } from './testing/probe';
import { manualClock, testEmulator, testHost, until, wait } from './testing/support';

let emulator: Emulator;
const start = async (options: Partial<EmulatorOptions> = {}) => (emulator = await testEmulator(options));
afterEach(() => emulator.close());

const listenUrl = () => webSocketUrl(emulator.endpoint, testHost, 'sb-hc-action=listen');
const requestOf = async (listener: RawListener, index = 0) => (await listener.frame(index))['request']!;
/** Answers the request of a frame with a status and a small body. */
const answer = (listener: RawListener, request: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  listener.send({ response: { requestId: request['id'], statusCode: 200, ...more } });

describe('listening at the emulator', () => {
  test.each([
    ['no token', {}, 401],
    ['a token that is none', { ServiceBusAuthorization: 'Bearer x' }, 401],
    ['an expired token', { ServiceBusAuthorization: tokenFor('agent', { lifetimeMs: -2000 }) }, 401],
    ['a token of an unknown key', { ServiceBusAuthorization: tokenFor('nobody') }, 401],
    ['a token signed with another key', { ServiceBusAuthorization: tokenFor('agent', { key: 'wrong' }) }, 401],
    ['a token for another path', { ServiceBusAuthorization: tokenFor('agent', { path: 'host-2' }) }, 403],
    ['a token for a path that only begins so', { ServiceBusAuthorization: tokenFor('agent', { path: 'host' }) }, 403],
    ['a token without the Listen right', { ServiceBusAuthorization: tokenFor('app') }, 403],
  ])('with %s is refused', async (_what, headers, status) => {
    await start();
    const refused = await refusedHandshake({ url: listenUrl(), headers: { ...headers } });
    expect(refused.status).toBe(status);
    expect(refused.text).toMatch(/TrackingId:[0-9a-f-]{36}/);
  });

  test('on a hybrid connection that does not exist is refused with 404, another action with 400', async () => {
    await start();
    const headers = { ServiceBusAuthorization: tokenFor('agent') };
    const elsewhere = webSocketUrl(emulator.endpoint, 'host-2', 'sb-hc-action=listen');
    expect((await refusedHandshake({ url: elsewhere, headers })).status).toBe(404);
    const connect = webSocketUrl(emulator.endpoint, testHost, 'sb-hc-action=connect');
    expect((await refusedHandshake({ url: connect, headers })).status).toBe(400);
  });

  test('takes the token from the query, from either header, and for the whole namespace', async () => {
    await start();
    const token = tokenFor('agent');
    const handshakes = [
      { url: `${listenUrl()}&sb-hc-token=${encodeURIComponent(token)}` },
      { url: listenUrl(), headers: { Authorization: token } },
      { url: listenUrl(), headers: { ServiceBusAuthorization: tokenFor('agent', { path: '' }) } },
    ];
    handshakes.forEach((handshake) => rawSocket(handshake));
    await until('all three listen', () => emulator.listeners(testHost).length === 3);
  });

  test('is for 25 listeners at once and no more', async () => {
    await start();
    const token = tokenFor('agent');
    await Promise.all(Array.from({ length: 25 }, () => rawListener(emulator.endpoint, token)));
    const refused = await refusedHandshake({ url: listenUrl(), headers: { ServiceBusAuthorization: token } });
    expect(refused.status).toBe(403);
  });

  test('ends with 1008 when the token expires', async () => {
    const clock = manualClock();
    await start({ clock, limits: { idleMsMax: 1e9 } });
    const listener = await rawListener(emulator.endpoint, tokenFor('agent', { lifetimeMs: 60_000 }));
    clock.advance(60_000);
    expect(await listener.closed()).toBe(1008);
  });

  test('goes on with a new token, and ends with 1008 when that is not good', async () => {
    const clock = manualClock();
    await start({ clock, limits: { idleMsMax: 1e9 } });
    const listener = await rawListener(emulator.endpoint, tokenFor('agent', { lifetimeMs: 60_000 }));
    // Frames are taken in order: once the answer is out, the token before it is in.
    const exchange = async (index: number) => {
      const sent = rawSend(emulator.endpoint, {
        headers: { ServiceBusAuthorization: tokenFor('app', { lifetimeMs: 600_000 }) },
      });
      answer(listener, await requestOf(listener, index));
      expect((await sent).status).toBe(200);
    };
    listener.send({ renewToken: { token: tokenFor('agent', { lifetimeMs: 600_000 }) } });
    await exchange(0);
    clock.advance(300_000);
    await exchange(1);
    listener.send({ renewToken: { token: tokenFor('app', { lifetimeMs: 600_000 }) } });
    expect(await listener.closed()).toBe(1008);
  });

  test('ends when a PING comes, as the service is said to do', async () => {
    await start();
    const listener = await rawListener(emulator.endpoint);
    listener.socket.ping();
    expect(await listener.closed()).toBe(1006);
  });

  test('ends after a time without a frame; a PONG keeps it', async () => {
    const clock = manualClock();
    await start({ clock, switches: { onPing: 'answer' } });
    const listener = await rawListener(emulator.endpoint, tokenFor('agent', { lifetimeMs: 1e7 }));
    for (let round = 0; round < 3; round += 1) {
      clock.advance(200_000);
      // The PING asks for an answer, which tells that the PONG before it was taken.
      const answered = new Promise((resolve) => listener.socket.once('pong', resolve));
      listener.socket.pong();
      listener.socket.ping();
      await answered;
    }
    expect(emulator.listeners(testHost)).toHaveLength(1);
    clock.advance(255_000);
    expect(await listener.closed()).toBe(1006);
  });
});

describe('sending through the emulator', () => {
  test.each([
    ['no token', {}, 401],
    ['a token without the Send right', { ServiceBusAuthorization: tokenFor('agent') }, 403],
  ])('with %s is refused by the relay itself', async (_what, headers, status) => {
    await start();
    const refused = await rawSend(emulator.endpoint, { headers: { ...headers } });
    expect(refused.status).toBe(status);
    expect(refused.headers.via).toBeUndefined();
    expect(JSON.parse(refused.body)).toMatchObject({ error: { message: expect.stringContaining('TrackingId') } });
  });

  test.each([404, 502, 503] as const)('without a listener is answered %p without Via', async (noListenerStatus) => {
    await start({ switches: { noListenerStatus } });
    const refused = await rawSend(emulator.endpoint);
    expect(refused).toMatchObject({ status: noListenerStatus });
    expect(refused.headers.via).toBeUndefined();
  });

  test('hands on headers but those of the hop and the token, and the target but the parameters of the relay', async () => {
    await start();
    const listener = await rawListener(emulator.endpoint);
    const sent = rawSend(emulator.endpoint, {
      path: `/${testHost}/v1/vms?sb-hc-id=1&next=a%20b&SB-HC-x=2`,
      method: 'PUT',
      headers: { ServiceBusAuthorization: tokenFor('app'), Authorization: 'mine', 'X-One': '1', TE: 'trailers' },
      body: 'hello',
    });
    const request = await requestOf(listener);
    expect(request).toMatchObject({ requestTarget: `/${testHost}/v1/vms?next=a%20b`, method: 'PUT', body: true });
    expect(request['requestHeaders']).toEqual({ authorization: 'mine', 'x-one': '1', via: '1.1 test' });
    await until('the body arrives', () => listener.messages.length === 2);
    expect(listener.messages[1]?.bytes?.toString()).toBe('hello');
    listener.send(
      { response: { requestId: request['id'], statusCode: '201', responseHeaders: { 'X-Two': '2' }, body: true } },
      Buffer.from('made'),
    );
    expect(await sent).toMatchObject({ status: 201, headers: { 'x-two': '2', via: '1.1 test' }, body: 'made' });
  });

  test('uses Authorization as the token only when there is no other, and then keeps it to itself', async () => {
    await start();
    const listener = await rawListener(emulator.endpoint);
    const sent = rawSend(emulator.endpoint, { headers: { Authorization: tokenFor('app') } });
    const request = await requestOf(listener);
    expect(request['requestHeaders']).toEqual({ via: '1.1 test' });
    answer(listener, request);
    expect((await sent).status).toBe(200);
  });

  test('is answered 504 by the relay when the listener does not answer in time', async () => {
    const clock = manualClock();
    await start({ clock });
    const listener = await rawListener(emulator.endpoint);
    const sent = rawSend(emulator.endpoint);
    await requestOf(listener);
    clock.advance(60_000);
    const late = await sent;
    expect(late).toMatchObject({ status: 504, body: expect.stringContaining('GatewayTimeout') });
    expect(late.headers.via).toBeUndefined();
  });

  test('is answered 504 at once when the listener vanishes with the request', async () => {
    await start();
    const listener = await rawListener(emulator.endpoint);
    const sent = rawSend(emulator.endpoint);
    await requestOf(listener);
    listener.socket.terminate();
    expect((await sent).status).toBe(504);
  });

  test('reaches one of two listeners, and only that one can answer', async () => {
    await start();
    const listeners = await Promise.all([1, 2].map((n) => rawListener(emulator.endpoint, tokenFor('agent'), `l-${n}`)));
    expect([...emulator.listeners(testHost)].sort()).toEqual(['l-1', 'l-2']);
    const sent = rawSend(emulator.endpoint);
    await until('one has it', () => listeners.some(({ messages }) => messages.length > 0));
    const [taker, other] = listeners[0]!.messages.length > 0 ? listeners : [...listeners].reverse();
    const request = await requestOf(taker!);
    answer(other!, request, { statusCode: 500 });
    await wait(30);
    answer(taker!, request, { statusCode: 203 });
    expect((await sent).status).toBe(203);
    expect(other!.messages).toEqual([]);
  });
});

describe('a rendezvous', () => {
  const open = async (address: unknown) => {
    const socket = rawSocket({ url: String(address) });
    await until('the rendezvous opens', () => socket.socket.readyState === socket.socket.OPEN);
    return socket;
  };
  const sendLarge = (agent?: Agent) =>
    rawSend(emulator.endpoint, {
      method: 'POST',
      chunks: ['a'.repeat(40_000), 'b'.repeat(40_000)],
      ...(agent && { agent }),
    });

  test.each([
    ['a body above 64 KB', { method: 'POST', body: 'x'.repeat(controlBodyBytesMax + 1) }],
    ['a chunked body above 64 KB', { method: 'POST', chunks: ['x'.repeat(40_000), 'x'.repeat(40_000)] }],
    [
      'headers above 32 KB',
      {
        method: 'POST',
        headers: { ServiceBusAuthorization: tokenFor('app'), 'x-a': 'y'.repeat(33_000) },
        body: 'small',
      },
    ],
  ])('carries %s; the control channel carries its address alone', async (_what, request) => {
    await start();
    const listener = await rawListener(emulator.endpoint);
    const sent = rawSend(emulator.endpoint, request);
    const announced = await requestOf(listener);
    expect(Object.keys(announced)).toEqual(['address']);
    const rendezvous = await open(announced['address']);
    const whole = await requestOf(rendezvous);
    expect(whole).toMatchObject({ body: true, requestTarget: `/${testHost}/x` });
    answer(rendezvous, whole);
    expect((await sent).status).toBe(200);
  });

  test('is good for one connection, soon, and for its own exchange', async () => {
    const clock = manualClock();
    await start({ clock });
    const listener = await rawListener(emulator.endpoint);
    const sent = sendLarge();
    const { address } = await requestOf(listener);
    const rendezvous = await open(address);
    expect((await refusedHandshake({ url: String(address) })).status).toBe(403);
    answer(rendezvous, await requestOf(rendezvous));
    await sent;
    const late = sendLarge().catch(() => 'dropped');
    const expired = await requestOf(listener, 1);
    clock.advance(30_000);
    expect((await refusedHandshake({ url: String(expired['address']) })).status).toBe(403);
    const unknown = webSocketUrl(emulator.endpoint, testHost, 'sb-hc-action=request&sb-hc-id=unknown');
    expect((await refusedHandshake({ url: unknown })).status).toBe(403);
    listener.socket.terminate();
    expect(await late).toMatchObject({ status: 504 });
  });

  test("takes the later requests of the sender's connection, and closes with 1001 when that ends", async () => {
    await start();
    const listener = await rawListener(emulator.endpoint);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = sendLarge(agent);
    const rendezvous = await open((await requestOf(listener))['address']);
    answer(rendezvous, await requestOf(rendezvous));
    await first;
    const second = rawSend(emulator.endpoint, { agent });
    const request = await requestOf(rendezvous, 1);
    expect(request).toMatchObject({ method: 'GET', body: false });
    answer(rendezvous, request, { statusCode: 204 });
    expect((await second).status).toBe(204);
    expect(listener.messages.length).toBe(1);
    agent.destroy();
    expect(await rendezvous.closed()).toBe(1001);
  });

  test("that the listener closes ends the sender's connection", async () => {
    await start();
    const listener = await rawListener(emulator.endpoint);
    const sent = sendLarge();
    const ended = expect(sent).rejects.toThrow();
    const rendezvous = await open((await requestOf(listener))['address']);
    await requestOf(rendezvous);
    rendezvous.socket.close(1000);
    await ended;
  });
});

test('bytes that are no WebSocket cost their connection and nothing else, on either kind of socket', async () => {
  await start();
  const rubbish = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 1, 2, 3]);
  const listener = await rawListener(emulator.endpoint);
  const sent = rawSend(emulator.endpoint, { method: 'POST', body: 'x'.repeat(100_000) });
  const dropped = expect(sent).rejects.toThrow();
  const rendezvous = rawSocket({ url: String((await requestOf(listener))['address']) });
  await requestOf(rendezvous);
  rendezvous.sendBytes(rubbish);
  await rendezvous.closed();
  await dropped;
  listener.sendBytes(rubbish);
  await listener.closed();
  const next = await rawListener(emulator.endpoint);
  const served = rawSend(emulator.endpoint);
  answer(next, await requestOf(next));
  expect((await served).status).toBe(200);
});

describe('the faults of the emulator', () => {
  test.each([
    [{ do: 'deliver' }, 200],
    [{ do: 'duplicate' }, 200],
    [{ do: 'delay', ms: 50 }, 200],
    [{ do: 'drop' }, 504],
    [{ do: 'cut' }, 'cut off'],
  ] as const)('a response that meets %p ends in %p', async (fault, end) => {
    const clock = manualClock();
    let responses = 0;
    const response = () => {
      responses += 1;
      return fault;
    };
    await start({ clock, switches: { response } });
    const listener = await rawListener(emulator.endpoint);
    const sent = rawSend(emulator.endpoint).then(
      ({ status }) => status,
      () => 'cut off',
    );
    const request = await requestOf(listener);
    listener.send({ response: { requestId: request['id'], statusCode: 200, body: true } }, Buffer.from('body'));
    await until('the response is at the relay', () => responses === 1);
    clock.advance(fault.do === 'delay' ? fault.ms : 60_000);
    expect(await sent).toBe(end);
  });

  test('a duplicated request arrives twice with one id; a dropped one not at all', async () => {
    const clock = manualClock();
    await start({ clock, switches: { request: () => 'duplicate' } });
    const listener = await rawListener(emulator.endpoint);
    const twice = rawSend(emulator.endpoint);
    const request = await requestOf(listener);
    expect((await requestOf(listener, 1))['id']).toBe(request['id']);
    answer(listener, request);
    answer(listener, request, { statusCode: 500 });
    expect((await twice).status).toBe(200);
    let dropped = 0;
    emulator.switches.request = () => {
      dropped += 1;
      return 'drop';
    };
    const lost = rawSend(emulator.endpoint);
    await until('it is dropped', () => dropped === 1);
    clock.advance(60_000);
    expect((await lost).status).toBe(504);
    expect(listener.messages.length).toBe(2);
  });

  test('listening can be refused with any status, and rendezvous altogether', async () => {
    const clock = manualClock();
    await start({ clock, switches: { listenStatus: 500, rendezvous: 'refused' } });
    const headers = { ServiceBusAuthorization: tokenFor('agent') };
    expect((await refusedHandshake({ url: listenUrl(), headers })).status).toBe(500);
    emulator.switches.listenStatus = null;
    const listener = await rawListener(emulator.endpoint);
    const sent = rawSend(emulator.endpoint, { method: 'POST', body: 'x'.repeat(100_000) });
    const { address } = await requestOf(listener);
    expect((await refusedHandshake({ url: String(address) })).status).toBe(403);
    clock.advance(60_000);
    expect((await sent).status).toBe(504);
  });

  test('without token checks anybody listens and sends', async () => {
    await start({ switches: { tokens: 'ignored' } });
    const listener = await rawListener(emulator.endpoint, 'anything');
    const sent = rawSend(emulator.endpoint, { headers: {} });
    answer(listener, await requestOf(listener));
    expect((await sent).status).toBe(200);
  });
});
