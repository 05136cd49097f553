import { blockDigest } from '../route/digest';
import { seededBytes } from '../route/testing/random';
import { stagingKeysFrom } from './keys';
import { openBlock, sealBlock, sealedBytesOf } from './sealed-block';

const keys = stagingKeysFrom(Buffer.alloc(32, 1));
const otherKeys = stagingKeysFrom(Buffer.alloc(32, 2));
const content = seededBytes(100_000, 3);
const addressUnder = (of: typeof keys, bytes: Buffer): string => of.addressOf(blockDigest(bytes), bytes.length);
const address = addressUnder(keys, content);

test('what was sealed is opened, and is no longer than its seal asks for', () => {
  const sealed = sealBlock(keys, address, content);
  expect(sealed).toHaveLength(sealedBytesOf(content.length));
  expect(openBlock(keys, address, sealed)).toEqual(content);
});

test('equal content of one batch has one name and one sealed form, whoever seals it', () => {
  const again = Buffer.from(content);
  expect(addressUnder(keys, again)).toBe(address);
  expect(sealBlock(keys, address, again)).toEqual(sealBlock(keys, address, content));
});

test('another batch has other names and other bytes for the same content', () => {
  const other = addressUnder(otherKeys, content);
  expect(other).not.toBe(address);
  expect(sealBlock(otherKeys, other, content)).not.toEqual(sealBlock(keys, address, content));
  expect(address).not.toBe(blockDigest(content).toString('hex'));
});

test('a block is not opened under the name of another, with the key of another batch, cut off, or with any bit changed', () => {
  const sealed = sealBlock(keys, address, content);
  const neighbour = addressUnder(keys, seededBytes(100_000, 4));
  expect(openBlock(keys, neighbour, sealed)).toBeUndefined();
  expect(openBlock(otherKeys, address, sealed)).toBeUndefined();
  for (const length of [0, 15, 16, sealed.length - 1])
    expect(openBlock(keys, address, sealed.subarray(0, length))).toBeUndefined();
  for (const at of [0, 50_000, sealed.length - 17, sealed.length - 16, sealed.length - 1]) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(openBlock(keys, address, changed)).toBeUndefined();
  }
});
