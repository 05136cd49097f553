import { Agent, createServer, request, type AgentOptions, type ClientRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RelayClient } from './call';
import { systemClock, type Clock } from './clock';
import type { Emulator } from './emulator';
import type { EmulatorOptions } from './emulator-options';
import { rawSend, tokenFor } from './emulator-probe';
import { jsonResponse, type RequestHandler } from './exchange';
import type { Listener, ListenerState } from './listener';
import { listenerLimits, type ListenerOptions } from './listener-options';
import { startTap } from './tap';
import {
  connected,
  fastClock,
  manualClock,
  recordedLog,
  testClient,
  testEmulator,
  testHost,
  testListener,
  tokensOf,
  until,
  wait,
} from './test-support';
import { sasTokens } from './token';

const opened: { close(): Promise<void> }[] = [];
const keep = <T extends { close(): Promise<void> }>(one: T): T => {
  opened.unshift(one);
  return one;
};
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

const noDrain = { drainMsMax: 0 };
const startRelay = async (options: Partial<EmulatorOptions> = {}) => keep(await testEmulator(options));
const listen = (endpoint: string, handler: RequestHandler, options: Partial<ListenerOptions> = {}) =>
  keep(testListener(endpoint, handler, { ...options, limits: { ...noDrain, ...options.limits } }));
const ok: RequestHandler = async ({ path }) => jsonResponse(200, path);
const get = (client: RelayClient, path = '/v1/health') => client.send({ hostId: testHost, method: 'GET', path });

async function statesOf(listener: Listener): Promise<ListenerState[]> {
  const states: ListenerState[] = [listener.state()];
  listener.onState((state) => states.push(state));
  return states;
}

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

describe('the token of a listener', () => {
  test('that is refused is replaced at once, then retried slowly, and the log says what to mend', async () => {
    const emulator = await startRelay();
    const { log, lines, text } = recordedLog();
    const clock = fastClock(200);
    const tokens = sasTokens({ keyName: 'agent', key: 'wrong', clock });
    const listener = listen(emulator.endpoint, ok, { log, tokens, clock, random: () => 0.5 });
    const states = await statesOf(listener);
    await until('it tried three times', () => lines.length >= 3);
    const delays = states.flatMap((state) => (state.name === 'waiting' ? [state.reason] : []));
    expect(delays[0]).toMatch(/401 .*check this agent's relay key or identity/);
    expect(text()).toMatch(/trying again in 0\.0 s\n.*trying again in 60\.0 s/);
    expect(lines.every(({ level }) => level === 'error')).toBe(true);
  });

  test.each([
    ['without the Listen right', tokensOf('app'), testHost, /403 .*Listen right on the hybrid connection host-1/],
    ['for a hybrid connection that does not exist', tokensOf('agent'), 'host-9', /404 .*create the hybrid connection/],
  ])('%s is retried slowly with a clear line', async (_what, tokens, path, line) => {
    const emulator = await startRelay();
    const { log, text, lines } = recordedLog();
    listen(emulator.endpoint, ok, { log, tokens, path, random: () => 0.5 });
    await until('it is said', () => lines.length === 1);
    expect(text()).toMatch(line);
    expect(text()).toContain('trying again in 60.0 s');
  });

  test('is renewed on the open channel, again and again, before it expires', async () => {
    const clock = manualClock();
    const minuteMs = 60_000;
    const emulator = await startRelay({ clock, limits: { idleMsMax: 1e9 } });
    const tokens = sasTokens({ keyName: 'agent', key: 'agent-key', clock, lifetimeMs: 60 * minuteMs });
    const listener = listen(emulator.endpoint, ok, { clock, tokens, limits: { silenceMsMax: 1e9 } });
    await connected(listener);
    const states = await statesOf(listener);
    const before = emulator.listeners(testHost);
    for (let minutes = 0; minutes < 200; minutes += 4) {
      clock.advance(4 * minuteMs);
      await wait(10);
    }
    expect(emulator.listeners(testHost)).toEqual(before);
    expect(states).toHaveLength(1);
  });

  test('that cannot be renewed ends the channel, and the next one has another', async () => {
    const clock = fastClock(60);
    const emulator = await startRelay({ clock });
    const real = sasTokens({ keyName: 'agent', key: 'agent-key', clock, lifetimeMs: 20_000 });
    const { log, text } = recordedLog();
    let asked = 0;
    const tokens = {
      token: (resource: string, rejected?: string) => {
        asked += 1;
        return rejected === undefined && asked > 1
          ? Promise.reject(new Error('the identity is away'))
          : real.token(resource, rejected);
      },
    };
    const listener = listen(emulator.endpoint, ok, { clock, tokens, log });
    await connected(listener);
    await until('the channel ends', () => listener.state().name !== 'connected');
    expect(text()).toContain('could not be renewed: the identity is away');
    expect(text()).toContain('the control channel closed (1008 the token expired)');
    await connected(listener);
  });

  test('that cannot be had is waited for', async () => {
    const emulator = await startRelay();
    const good = tokensOf('agent');
    let away = true;
    const tokens = {
      token: (resource: string) => (away ? Promise.reject(new Error('no identity')) : good.token(resource)),
    };
    const listener = listen(emulator.endpoint, ok, { tokens });
    await until('it waits', () => listener.state().name === 'waiting');
    expect(listener.state()).toMatchObject({ reason: 'no token for the relay: no identity' });
    away = false;
    await connected(listener);
  });
});

describe('a lost connection', () => {
  test('is tried again after 0, 1, 2, 5, 10, 30, 30 s when nothing answers', async () => {
    const emulator = await testEmulator();
    await emulator.close();
    const clock = fastClock(200);
    const { log, lines, text } = recordedLog();
    listen(emulator.endpoint, ok, { clock, log, random: () => 0.5 });
    await until('seven attempts failed', () => lines.length >= 7);
    const seconds = [...text().matchAll(/ECONNREFUSED.*trying again in ([\d.]+) s/g)].map((match) => Number(match[1]));
    expect(seconds.slice(0, 7)).toEqual([0, 1, 2, 5, 10, 30, 30]);
  });

  test('after a good connection begins with no pause; one that is lost again soon does not', async () => {
    let laterMs = 0;
    const fast = fastClock(60);
    const clock: Clock = { now: () => Date.now() + laterMs, sleep: (ms, signal) => fast.sleep(ms, signal) };
    const emulator = await startRelay();
    const { log, text } = recordedLog();
    const tokens = sasTokens({ keyName: 'agent', key: 'agent-key', clock: systemClock });
    const listener = listen(emulator.endpoint, ok, { clock, log, random: () => 0.5, tokens });
    const losses = () => [...text().matchAll(/closed \(1006\); trying again in ([\d.]+) s/g)].map((match) => match[1]);
    for (const [index, lastedMs] of [0, 0, 0, 60_000, 0].entries()) {
      await connected(listener);
      laterMs += lastedMs;
      emulator.dropListeners(testHost);
      await until('the loss is noticed', () => losses().length === index + 1);
    }
    expect(losses()).toEqual(['0.0', '1.0', '2.0', '0.0', '1.0']);
  });

  test('varies its pauses, so that agents do not come back together', async () => {
    const emulator = await testEmulator();
    await emulator.close();
    const pauses = await Promise.all(
      [0, 0.999].map(async (chance) => {
        const { log, lines, text } = recordedLog();
        listen(emulator.endpoint, ok, { clock: fastClock(100), log, random: () => chance });
        await until('it tried twice', () => lines.length >= 2);
        return /([\d.]+) s$/.exec(text().split('\n')[1]!)?.[1];
      }),
    );
    expect(pauses).toEqual(['0.8', '1.2']);
  });

  test('comes back by itself when the relay drops it, and when the relay was away', async () => {
    const emulator = await startRelay();
    const listener = listen(emulator.endpoint, ok);
    await connected(listener);
    const [first] = emulator.listeners(testHost);
    emulator.dropListeners(testHost);
    await until('another channel', () => {
      const [now] = emulator.listeners(testHost);
      return now !== undefined && now !== first;
    });
    await emulator.close();
    await until('it waits', () => listener.state().name === 'waiting');
    await startRelay({ port: emulator.port });
    await connected(listener);
    expect((await get(testClient(emulator.endpoint))).ok).toBe(true);
  });

  test('that nobody tells of is found by its silence and replaced', async () => {
    const clock = manualClock();
    const emulator = await startRelay({ clock });
    const tap = keep(await startTap(emulator.port));
    const listener = listen(tap.endpoint, ok, { clock });
    await connected(listener);
    const [halfOpen] = emulator.listeners(testHost);
    tap.freeze();
    await wait(50);
    expect(listener.state().name).toBe('connected');
    clock.advance(listenerLimits.silenceMsMax);
    await until('only a new channel is there', () => {
      const [id, ...others] = emulator.listeners(testHost);
      return id !== undefined && id !== halfOpen && others.length === 0;
    });
    expect((await get(testClient(emulator.endpoint))).ok).toBe(true);
  });

  test('of a channel that is only quiet is replaced without a gap', async () => {
    const emulator = await startRelay();
    const { log, lines } = recordedLog();
    const listener = listen(emulator.endpoint, ok, { log, limits: { silenceMsMax: 100 } });
    await connected(listener);
    const client = testClient(emulator.endpoint);
    const seen = new Set<string>();
    for (let call = 0; call < 12; call += 1) {
      await wait(call % 2 === 0 ? 30 : 110);
      emulator.listeners(testHost).forEach((id) => seen.add(id));
      expect((await get(client)).ok).toBe(true);
    }
    expect(seen.size).toBeGreaterThan(2);
    await until('one channel is left', () => emulator.listeners(testHost).length === 1);
    expect(lines).toHaveLength(1);
  });

  test('is not caused by the relay dropping idle channels, since PONG frames keep it', async () => {
    const clock = manualClock();
    const emulator = await startRelay({ clock });
    const { log, text } = recordedLog();
    const limits = { silenceMsMax: 1e9 };
    const listener = listen(emulator.endpoint, ok, { clock, limits });
    const silent = listen(emulator.endpoint, ok, { clock, log, limits: { ...limits, keepaliveMs: 1e9 } });
    await Promise.all([connected(listener), connected(silent)]);
    const states = await statesOf(listener);
    for (let step = 0; step < 20; step += 1) {
      clock.advance(60_000);
      await wait(10);
    }
    expect(text()).toContain('the control channel closed (1006)');
    expect(states).toHaveLength(1);
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
    const release: (() => void)[] = [];
    const held: RequestHandler = () =>
      new Promise((resolve) => {
        release.push(() => resolve({ status: 204 }));
      });
    const { client } = await serve(held, { requestsAtOnceMax: 2 });
    const first = [get(client), get(client)];
    await until('two are under way', () => release.length === 2);
    const expected = { code: 'RelayUnreachable', retry: 'transient', effect: 'none' };
    expect(await get(client)).toMatchObject({ ok: false, failure: expected });
    release.forEach((one) => one());
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
  const release: (() => void)[] = [];
  const handler: RequestHandler = () =>
    new Promise((resolve) => {
      release.push(() => resolve({ status: 204 }));
    });
  await connected(listen(emulator.endpoint, handler));
  const before = emulator.listeners(testHost);
  const sent = get(testClient(emulator.endpoint));
  await until('it is under way', () => release.length === 1);
  emulator.injectBytes(testHost, Buffer.from([0x88, 0x02, 0x03, 0xe9]));
  await until('another channel', () => !before.includes(emulator.listeners(testHost)[0] ?? before[0]!));
  release[0]!();
  expect(await sent).toMatchObject({ ok: true, value: { status: 204 } });
});

describe('a listener that closes', () => {
  test('finishes what is under way, refuses what comes, and is gone', async () => {
    const emulator = await startRelay();
    const release: (() => void)[] = [];
    const handler: RequestHandler = () =>
      new Promise((resolve) => {
        release.push(() => resolve({ status: 204 }));
      });
    const listener = listen(emulator.endpoint, handler, { limits: { drainMsMax: 5000 } });
    await connected(listener);
    const client = testClient(emulator.endpoint);
    const underWay = get(client);
    await until('it is under way', () => release.length === 1);
    const closing = listener.close();
    expect(listener.close()).toBe(closing);
    expect(await get(client)).toMatchObject({ ok: false, failure: { code: 'RelayUnreachable', effect: 'none' } });
    release[0]!();
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

describe('behind a proxy', () => {
  /** An HTTP proxy that knows CONNECT, and counts the tunnels. */
  async function startProxy() {
    let tunnels = 0;
    const sockets = new Set<Duplex>();
    const server = createServer();
    server.on('connect', (incoming, near: Duplex) => {
      tunnels += 1;
      const [host = '', port = ''] = (incoming.url ?? '').split(':');
      const far = connect(Number(port), host, () => {
        near.write('HTTP/1.1 200 Connection established\r\n\r\n');
        near.pipe(far).pipe(near);
      });
      for (const socket of [near, far]) sockets.add(socket.on('error', () => {}));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    keep({
      close: async () => {
        sockets.forEach((socket) => socket.destroy());
        server.close();
      },
    });
    return { port: typeof address === 'object' && address !== null ? address.port : 0, tunnels: () => tunnels };
  }

  class TunnelAgent extends Agent {
    constructor(private readonly proxyPort: number) {
      super();
    }
    override createConnection(
      { host, port }: AgentOptions & { host?: string; port?: number | string },
      done?: (error: Error | null, socket: Socket) => void,
    ): undefined {
      const asking: ClientRequest = request({ port: this.proxyPort, method: 'CONNECT', path: `${host}:${port}` });
      asking.on('connect', (_response, socket) => done?.(null, socket));
      asking.end();
      return undefined;
    }
  }

  test('the control channel and every rendezvous go through the agent that is given', async () => {
    const emulator = await startRelay();
    const proxy = await startProxy();
    const agent = new TunnelAgent(proxy.port);
    await connected(listen(emulator.endpoint, async () => jsonResponse(200, 'x'.repeat(100_000)), { agent }));
    expect(proxy.tunnels()).toBe(1);
    expect((await get(testClient(emulator.endpoint))).ok).toBe(true);
    expect(proxy.tunnels()).toBe(2);
  });
});

test('a callback of the state that throws harms nobody, and one that was taken back is not called', async () => {
  const emulator: Emulator = await startRelay();
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
