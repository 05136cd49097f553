import type { AccessToken, TokenCredential } from '@azure/identity';
import { resourceOf } from './address';
import type { Clock } from './clock';
import { entraTokens, relayScope, renewalDelayMs, sasToken, sasTokens } from './token';

const minuteMs = 60_000;

function clockAt(startMs: number): Clock & { nowMs: number } {
  return {
    nowMs: startMs,
    now() {
      return this.nowMs;
    },
    sleep: async () => {},
  };
}

describe('a shared access signature', () => {
  const resource = 'http://contoso.servicebus.windows.net/host-1';

  // The expected text was made by another program (Python's hmac and urllib).
  test('signs the encoded resource and the expiry with the key as text', () => {
    expect(sasToken(resource, 'listen-key', 'q1w2e3r4+/==', 1893456000)).toBe(
      'SharedAccessSignature sr=http%3A%2F%2Fcontoso.servicebus.windows.net%2Fhost-1' +
        '&sig=fxkHyfmd2X3U3%2BWbwTbQnSOX4EYh8%2FzwM2HbjVcCJnE%3D&se=1893456000&skn=listen-key',
    );
  });

  test('is made for scheme http without port, whatever the endpoint', () => {
    expect(resourceOf('https://contoso.servicebus.windows.net', 'host-1')).toBe(resource);
    expect(resourceOf('http://127.0.0.1:4711', 'host-1')).toBe('http://127.0.0.1/host-1');
  });

  test('is used until it is due and then made anew', async () => {
    const clock = clockAt(1_800_000_000_000);
    const tokens = sasTokens({ keyName: 'k', key: 's', clock });
    const first = await tokens.token(resource);
    expect(first.expiresAtMs).toBe(clock.nowMs + 60 * minuteMs);
    clock.nowMs += 48 * minuteMs - 1;
    expect(await tokens.token(resource)).toBe(first);
    clock.nowMs += 1;
    expect((await tokens.token(resource)).expiresAtMs).toBe(clock.nowMs + 60 * minuteMs);
  });

  test('is made anew when the relay refused it, and of each resource on its own', async () => {
    const clock = clockAt(1_800_000_000_000);
    const tokens = sasTokens({ keyName: 'k', key: 's', clock });
    const first = await tokens.token(resource);
    clock.nowMs += 1000;
    expect(await tokens.token(`${resource}x`)).not.toEqual(first);
    expect(await tokens.token(resource, 'another')).toBe(first);
    expect((await tokens.token(resource, first.value)).value).not.toBe(first.value);
  });
});

describe('an Entra token', () => {
  const start = 1_800_000_000_000;

  function credentialOf(answers: (() => AccessToken | null)[]): TokenCredential & { scopes: unknown[] } {
    const scopes: unknown[] = [];
    return {
      scopes,
      getToken: async (scope) => {
        scopes.push(scope);
        const answer = answers.shift();
        if (answer === undefined) throw new Error('asked too often');
        return answer();
      },
    };
  }
  const tokenNamed = (token: string, expiresOnTimestamp: number) => () => ({ token, expiresOnTimestamp });

  test('is asked for once, with the scope of the relay, and serves every hybrid connection', async () => {
    const credential = credentialOf([tokenNamed('jwt', start + 60 * minuteMs)]);
    const tokens = entraTokens({ credential, clock: clockAt(start) });
    const given = await Promise.all(['http://a/1', 'http://a/2', 'http://a/1'].map((one) => tokens.token(one)));
    expect(given.map(({ value }) => value)).toEqual(['jwt', 'jwt', 'jwt']);
    expect(credential.scopes).toEqual([relayScope]);
  });

  test('that cannot be renewed is used to its end, and then the error comes through', async () => {
    const clock = clockAt(start);
    const refuse = () => {
      throw new Error('the identity service is away');
    };
    const credential = credentialOf([tokenNamed('jwt', start + 60 * minuteMs), refuse, refuse]);
    const tokens = entraTokens({ credential, clock });
    await tokens.token('r');
    clock.nowMs = start + 55 * minuteMs;
    expect((await tokens.token('r')).value).toBe('jwt');
    clock.nowMs = start + 60 * minuteMs;
    await expect(tokens.token('r')).rejects.toThrow('the identity service is away');
  });

  test('is not used again once the relay refused it', async () => {
    const credential = credentialOf([
      tokenNamed('old', start + 60 * minuteMs),
      tokenNamed('new', start + 60 * minuteMs),
    ]);
    const tokens = entraTokens({ credential, clock: clockAt(start), scope: 'https://relay.azure.net/.default' });
    expect((await tokens.token('r')).value).toBe('old');
    expect((await tokens.token('r', 'old')).value).toBe('new');
    expect(credential.scopes).toEqual(['https://relay.azure.net/.default', 'https://relay.azure.net/.default']);
  });

  test('is an error when the identity has none', async () => {
    const tokens = entraTokens({ credential: credentialOf([() => null]), clock: clockAt(start) });
    await expect(tokens.token('r')).rejects.toThrow('gives no token');
  });
});

test.each([
  { minutes: 60, renewedAfter: 48 },
  { minutes: 1440, renewedAfter: 1152 },
  { minutes: 20, renewedAfter: 15 },
  { minutes: 12, renewedAfter: 7 },
  { minutes: 6, renewedAfter: 3 },
  { minutes: 0, renewedAfter: 0 },
])('a token of $minutes minutes is renewed after $renewedAfter', ({ minutes, renewedAfter }) => {
  expect(renewalDelayMs(minutes * minuteMs)).toBe(renewedAfter * minuteMs);
});
