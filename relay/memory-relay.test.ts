import { describeTransport, largeBytes } from './conformance';
import { jsonResponse, type RelayRequest } from './exchange';
import { createMemoryRelay, freePassage, type Passage } from './memory-relay';
import { systemClock } from './clock';
import { seededRandom } from './random';
import { testHost, testSigningKey, until } from './testing/support';

describeTransport('in memory', async () => {
  const signingKey = testSigningKey();
  const relay = createMemoryRelay({
    signingKey,
    clock: systemClock,
    random: seededRandom(1),
    requestBytesMax: largeBytes + 100,
  });
  const stops: (() => void)[] = [];
  return {
    client: relay,
    hostId: testHost,
    publicKey: signingKey.publicKey,
    serve: async (handler) => {
      const stop = relay.listen(testHost, handler);
      stops.push(stop);
      return async () => stop();
    },
    close: async () => {
      for (const stop of stops) stop();
    },
  };
});

describe('the in-memory relay', () => {
  const call = { hostId: testHost, method: 'GET', path: '/', timeoutMs: 100 } as const;

  const relayWith = (passage: Partial<Passage>) => {
    const received: RelayRequest[] = [];
    const relay = createMemoryRelay({
      signingKey: testSigningKey(),
      clock: systemClock,
      random: seededRandom(1),
      passage: () => ({ ...freePassage, ...passage }),
    });
    relay.listen(testHost, async (request) => {
      received.push(request);
      return jsonResponse(200, received.length);
    });
    return { relay, received };
  };

  test.each([
    { fate: 'unreachable', code: 'RelayUnreachable', effect: 'none', arrivals: 0 },
    { fate: 'request-lost', code: 'AgentTimedOut', effect: 'unknown', arrivals: 0 },
    { fate: 'reply-lost', code: 'AgentTimedOut', effect: 'unknown', arrivals: 1 },
  ] as const)('a call that is $fate fails with $code, effect $effect', async ({ fate, code, effect, arrivals }) => {
    const { relay, received } = relayWith({ fate });
    expect(await relay.send(call)).toMatchObject({ ok: false, failure: { code, effect } });
    expect(received.length).toBe(arrivals);
  });

  test('a duplicated call arrives twice with one nonce and is answered once', async () => {
    const { relay, received } = relayWith({ fate: 'duplicated' });
    expect(await relay.send(call)).toMatchObject({ ok: true, value: { body: 1 } });
    await until('the second copy arrives', () => received.length === 2);
    expect(received[0]!.headers).toEqual(received[1]!.headers);
  });

  test('a reply that is delayed beyond the time of the call is as good as lost', async () => {
    const { relay, received } = relayWith({ replyDelayMs: 1000 });
    expect(await relay.send(call)).toMatchObject({ ok: false, failure: { code: 'AgentTimedOut' } });
    expect(received.length).toBe(1);
  });

  test('the answer of an agent that died before it was out is lost', async () => {
    const { relay } = relayWith({});
    const stop = relay.listen(testHost, async () => {
      stop();
      return { status: 204 };
    });
    expect(await relay.send(call)).toMatchObject({ ok: false, failure: { code: 'AgentTimedOut', effect: 'unknown' } });
  });
});
