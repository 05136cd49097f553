import { z } from 'zod';
import { receiptBody } from '../contracts/receipt';
import { signReceipt, verifyReceipt } from './receipt-signature';
import { generateSigningKey, signingKeyFrom } from './signing';

const key = signingKeyFrom(generateSigningKey().privateKeyBase64);
const body = receiptBody.parse({
  schema: 1,
  id: 'm1',
  runId: 'm1-r1',
  state: 'completed',
  request: {
    id: 'm1',
    kind: 'quick-storage',
    vmId: '11111111-2222-4333-8444-555555555555',
    sourceHost: 'host-a',
    destinationHost: 'host-b',
    destinationFolder: '/vm',
  },
  startedAt: '2026-08-01T20:00:00.000Z',
  endedAt: '2026-08-01T20:00:12.500Z',
  phases: [],
  leftovers: [],
  hostsNotAsked: [],
  failure: null,
});
const signed = signReceipt(key, body);
const copy = (): Record<string, unknown> => z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(signed)));

test('a receipt is genuine in any order of its fields', () => {
  const turned = Object.fromEntries(Object.entries(copy()).reverse());
  expect(verifyReceipt(key.publicKey, turned)).toMatchObject({ genuine: true });
});

test.each(Object.keys(signed).filter((field) => field !== 'signature'))(
  'a receipt whose %s was taken away or changed is not genuine',
  (field) => {
    const { [field]: _gone, ...without } = copy();
    expect(verifyReceipt(key.publicKey, without)).toMatchObject({ genuine: false });
    expect(verifyReceipt(key.publicKey, { ...copy(), [field]: 'other' })).toMatchObject({ genuine: false });
  },
);

test('a field that this version does not know counts too', () => {
  expect(verifyReceipt(key.publicKey, { ...copy(), note: 'added later' })).toMatchObject({ reason: 'forged' });
});

test('a signature for something else, made with the same key, is none for a receipt', () => {
  const signature = { ...signed.signature, value: 'A'.repeat(86) };
  expect(verifyReceipt(key.publicKey, { ...copy(), signature })).toMatchObject({ reason: 'forged' });
});

test.each([null, 'text', 7, [], {}, { signature: {} }])('%j is no receipt', (document) => {
  expect(verifyReceipt(key.publicKey, document)).toMatchObject({ reason: 'not-a-receipt' });
});

test('a receipt of a later schema is none that this version knows, and the field is named; of many faults a few are', () => {
  expect(verifyReceipt(key.publicKey, { ...copy(), schema: 2 })).toEqual({
    genuine: false,
    reason: 'not-a-receipt',
    detail: 'schema: Invalid input: expected 1',
  });
  const verdict = verifyReceipt(key.publicKey, { ...copy(), phases: Array.from({ length: 9999 }, () => 7) });
  expect(verdict).toMatchObject({
    reason: 'not-a-receipt',
    detail: expect.stringMatching(/^phases\.0: .*; and 9994 more$/),
  });
});

test('a receipt of another app names another key', () => {
  const other = signingKeyFrom(generateSigningKey().privateKeyBase64);
  expect(verifyReceipt(other.publicKey, copy())).toMatchObject({ reason: 'other-key' });
});
