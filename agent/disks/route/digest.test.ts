import { blake3 } from '@napi-rs/blake-hash';
import { blockDigest, chainFrom, DigestChain, noBlockDigest, readUint64, writeUint64 } from './digest';
import { seededBytes } from './testing/random';

const blocks = [1, 2, 3, 4].map((seed) => seededBytes(4096 * seed, seed));

test('the chain is BLAKE3 of what was, offset, length, kind and block digest, as documented', () => {
  const chain = new DigestChain();
  let expected: Uint8Array = Buffer.alloc(32);
  blocks.forEach((block, index) => {
    const numbers = Buffer.alloc(17);
    numbers.writeBigUInt64LE(BigInt(index) * 2n ** 33n, 0);
    numbers.writeBigUInt64LE(BigInt(block.length), 8);
    numbers[16] = 1;
    expected = blake3(Buffer.concat([expected, numbers, blake3(block)]));
    chain.add('data', index * 2 ** 33, block.length, blockDigest(block));
  });
  expect(chain.digest).toBe(Buffer.from(expected).toString('hex'));
});

test('a chain that goes on from a digest ends where one without a break ends', () => {
  const whole = new DigestChain();
  let broken = new DigestChain();
  blocks.forEach((block, index) => {
    whole.add('data', index * 4096, block.length, blockDigest(block));
    broken.add('data', index * 4096, block.length, blockDigest(block));
    broken = chainFrom(broken.digest);
  });
  expect(broken.digest).toBe(whole.digest);
});

test('place, length and kind are part of the digest', () => {
  const variants = [
    ['data', 0, 4096],
    ['data', 4096, 4096],
    ['data', 0, 8192],
    ['zero', 0, 4096],
  ] as const;
  const digests = variants.map(([kind, offsetBytes, lengthBytes]) => {
    const chain = new DigestChain();
    chain.add(kind, offsetBytes, lengthBytes, noBlockDigest);
    return chain.digest;
  });
  expect(new Set(digests).size).toBe(variants.length);
});

test.each([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 46 + 12_345, Number.MAX_SAFE_INTEGER])(
  '%d is read as it was written',
  (value) => {
    const bytes = Buffer.alloc(10);
    writeUint64(bytes, value, 1);
    expect(bytes.readBigUInt64LE(1)).toBe(BigInt(value));
    expect(readUint64(bytes, 1)).toBe(value);
  },
);

test('a number above 2^53 - 1 is none', () => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(2n ** 53n);
  expect(readUint64(bytes, 0)).toBeUndefined();
});
