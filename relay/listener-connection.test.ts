import { Agent, createServer, request, type AgentOptions, type ClientRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemClock, type Clock } from './clock';
import { jsonResponse } from './exchange';
import type { Listener, ListenerState } from './listener';
import { listenerLimits } from './listener-options';
import { startTap } from './testing/tap';
import { createBench, get, ok } from './testing/bench';
import {
  connected,
  fastClock,
  manualClock,
  recordedLog,
  testClient,
  testEmulator,
  testHost,
  tokensOf,
  until,
  wait,
} from './testing/support';
import { sasTokens } from './token';

const bench = createBench();
const { keep, startRelay, listen } = bench;
afterEach(() => bench.close());

async function statesOf(listener: Listener): Promise<ListenerState[]> {
  const states: ListenerState[] = [listener.state()];
  listener.onState((state) => states.push(state));
  return states;
}

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
  test('is tried again after 0, 1, 2, 5, 10, 30, 30 s when nothing answers, and not before', async () => {
    const emulator = await testEmulator();
    await emulator.close();
    const clock = fastClock(200);
    const { log, text } = recordedLog();
    const listener = listen(emulator.endpoint, ok, { clock, log, random: () => 0.5 });
    const waits: { readonly untilMs: number; endedAtMs?: number }[] = [];
    listener.onState((state) => {
      const last = waits.at(-1);
      if (state.name === 'connecting' && last !== undefined) last.endedAtMs = clock.now();
      if (state.name === 'waiting') waits.push({ untilMs: state.untilMs });
    });
    await until('seven pauses are over', () => waits[6]?.endedAtMs !== undefined);
    const seconds = [...text().matchAll(/ECONNREFUSED.*trying again in ([\d.]+) s/g)].map((match) => Number(match[1]));
    expect(seconds.slice(0, 7)).toEqual([0, 1, 2, 5, 10, 30, 30]);
    // A timer of the system may be a millisecond early, which is 200 of this clock.
    for (const { untilMs, endedAtMs } of waits.slice(0, 7)) expect(endedAtMs).toBeGreaterThan(untilMs - 500);
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
