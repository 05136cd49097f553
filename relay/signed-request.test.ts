import { hostId } from '../contracts/ids';
import { clockSkewMsMax } from '../contracts/limits';
import { createNonceMemory, type NonceMemory } from './nonces';
import { signRequest, verifyRequest } from './signed-request';
import { testSigningKey } from './testing/support';

const host = hostId.parse('host-1');
const atMs = 1_800_000_000_000;
const nonce = 'n'.repeat(32);
const key = testSigningKey();
const signed = { method: 'PUT', path: '/v1/operations/op-1?waitMs=5', body: Buffer.from('{"a":1}') };

function verdict(
  change: {
    readonly request?: Partial<{ method: string; path: string; body: Uint8Array; headers: Record<string, string> }>;
    readonly hostId?: string;
    readonly nowMs?: number;
    readonly nonces?: NonceMemory;
    readonly keys?: Parameters<typeof verifyRequest>[0];
  } = {},
) {
  const headers = signRequest(key, { ...signed, hostId: host, atMs, nonce });
  return verifyRequest(
    change.keys ?? [key.publicKey],
    { ...signed, headers, ...change.request },
    {
      hostId: hostId.parse(change.hostId ?? host),
      nowMs: change.nowMs ?? atMs,
      nonces: change.nonces ?? createNonceMemory(),
    },
  );
}
const refusal = (message: RegExp) => ({
  ok: false,
  failure: { code: 'Unauthorized', message: expect.stringMatching(message) },
});

test("the app's own request is accepted, and tells with which key", () => {
  const another = testSigningKey();
  expect(verdict({ keys: [another.publicKey, key.publicKey] })).toEqual({
    ok: true,
    value: { publicKey: key.publicKey },
  });
});

test.each([
  { what: 'another host', change: { hostId: 'host-2' } },
  { what: 'another method', change: { request: { method: 'POST' } } },
  { what: 'another path', change: { request: { path: '/v1/operations/op-2?waitMs=5' } } },
  { what: 'another query', change: { request: { path: '/v1/operations/op-1?waitMs=6' } } },
  { what: 'a changed body', change: { request: { body: Buffer.from('{"a":2}') } } },
  { what: 'a body that was taken away', change: { request: { body: Buffer.alloc(0) } } },
  { what: "somebody else's key", change: { keys: [testSigningKey().publicKey] } },
  { what: 'no key at all', change: { keys: [] } },
])('$what is refused', ({ change }) => {
  expect(verdict(change)).toMatchObject(refusal(/signature is not the app's/));
});

test.each(['x-hyperferry-time', 'x-hyperferry-nonce', 'x-hyperferry-signature'])(
  'a request without a usable %s is refused, and the header is named',
  (name) => {
    const headers = signRequest(key, { ...signed, hostId: host, atMs, nonce });
    for (const value of [undefined, '', 'x', '-1', 'ä'.repeat(32), 'y'.repeat(1000)]) {
      const { [name]: _removed, ...others } = headers;
      const request = { headers: value === undefined ? others : { ...others, [name]: value } };
      expect(verdict({ request })).toMatchObject({ ok: false, failure: { subject: { field: name } } });
    }
  },
);

test('a time or nonce that was changed on the way breaks the signature', () => {
  const headers = signRequest(key, { ...signed, hostId: host, atMs, nonce });
  const changed = [
    { ...headers, 'x-hyperferry-time': String(atMs + 1) },
    { ...headers, 'x-hyperferry-nonce': 'm'.repeat(32) },
  ];
  for (const one of changed) expect(verdict({ request: { headers: one } })).toMatchObject(refusal(/signature/));
});

test.each([
  { offBy: clockSkewMsMax, accepted: true },
  { offBy: -clockSkewMsMax, accepted: true },
  { offBy: clockSkewMsMax + 1000, accepted: false },
  { offBy: -clockSkewMsMax - 1000, accepted: false },
])('clocks that are $offBy ms apart: accepted $accepted, and a refusal names both times', ({ offBy, accepted }) => {
  const outcome = verdict({ nowMs: atMs + offBy });
  expect(outcome.ok).toBe(accepted);
  if (outcome.ok) return;
  expect(outcome.failure.message).toContain(new Date(atMs).toISOString());
  expect(outcome.failure.message).toContain(new Date(atMs + offBy).toISOString());
  expect(outcome.failure.message).toContain('301 s apart');
});

test('a request is accepted once: sent again it is refused', () => {
  const nonces = createNonceMemory();
  expect(verdict({ nonces }).ok).toBe(true);
  expect(verdict({ nonces, nowMs: atMs + 1000 })).toMatchObject(refusal(/nonce was seen before/));
});

test('a forged request uses up no nonce of a genuine one', () => {
  const nonces = createNonceMemory();
  expect(verdict({ nonces, request: { body: Buffer.from('forged') } }).ok).toBe(false);
  expect(verdict({ nonces }).ok).toBe(true);
});

describe('the memory of nonces', () => {
  test('forgets a nonce only when its time would be refused anyway', () => {
    const nonces = createNonceMemory(1);
    expect(nonces.remember('a', atMs, atMs)).toBe('new');
    expect(nonces.remember('b', atMs, atMs + clockSkewMsMax)).toBe('full');
    expect(nonces.remember('a', atMs, atMs + clockSkewMsMax)).toBe('repeated');
    expect(nonces.remember('b', atMs, atMs + clockSkewMsMax + 1)).toBe('new');
  });

  test('is bounded, and a full one asks for a later attempt in place of letting a repeat through', () => {
    const nonces = createNonceMemory(0);
    expect(verdict({ nonces })).toMatchObject({ ok: false, failure: { code: 'Unauthorized', retry: 'transient' } });
  });
});
