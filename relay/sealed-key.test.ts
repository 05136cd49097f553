import { openSealedKey, sealingKeyFrom, sealKey, stagingContext } from './sealed-key';

const agent = sealingKeyFrom('the private key of an agent');
const other = sealingKeyFrom('the private key of another');
const key = Buffer.alloc(32, 9);
const context = stagingContext('move-1-r1', 'host-1');

test('a key that was sealed to an agent is opened by that agent alone, for what it was sealed for', () => {
  const sealed = sealKey(agent.publicKeyBase64, key, context) ?? '';
  expect(openSealedKey(agent.privateKey, sealed, context)).toEqual(key);
  expect(openSealedKey(other.privateKey, sealed, context)).toBeUndefined();
  expect(openSealedKey(agent.privateKey, sealed, stagingContext('move-2-r1', 'host-1'))).toBeUndefined();
});

test('the key pair of an agent follows from its secret', () => {
  expect(sealingKeyFrom('the private key of an agent').publicKeyBase64).toBe(agent.publicKeyBase64);
  expect(other.publicKeyBase64).not.toBe(agent.publicKeyBase64);
});

test('a key is sealed differently each time', () => {
  expect(sealKey(agent.publicKeyBase64, key, context)).not.toBe(sealKey(agent.publicKeyBase64, key, context));
});

test('nothing is sealed to what is no X25519 key, and nothing broken is opened', () => {
  expect(sealKey('bm9uZQ==', key, context)).toBeUndefined();
  // Of small order: what is agreed upon with it is known to everybody.
  const small = Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), Buffer.alloc(32)]);
  expect(sealKey(small.toString('base64'), key, context)).toBeUndefined();
  const sealed = Buffer.from(sealKey(agent.publicKeyBase64, key, context) ?? '', 'base64');
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    // The highest bit of the public key is one that X25519 ignores.
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(openSealedKey(agent.privateKey, changed.toString('base64'), context)).toBeUndefined();
  }
  for (const length of [0, 20, 48, sealed.length - 1])
    expect(openSealedKey(agent.privateKey, sealed.subarray(0, length).toString('base64'), context)).toBeUndefined();
});
