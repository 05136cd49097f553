import { crc32c, isSealed, sealStructure } from './crc32c';
import { SeededRandom } from '../testing/random';

function bitwise(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1));
  }
  return ~crc >>> 0;
}

it('gives the check value of CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

it('equals the bit by bit definition at every length, and goes on from a checksum', () => {
  const random = new SeededRandom(1);
  for (let length = 0; length < 70; length++) {
    const bytes = Buffer.from(Array.from({ length }, () => random.below(256)));
    expect(crc32c(bytes)).toBe(bitwise(bytes));
    const split = random.below(length + 1);
    expect(crc32c(bytes.subarray(split), crc32c(bytes.subarray(0, split)))).toBe(bitwise(bytes));
  }
});

it('seals a structure against the change of any bit', () => {
  const bytes = Buffer.alloc(64, 3);
  sealStructure(bytes);
  expect(isSealed(bytes)).toBe(true);
  for (let bit = 0; bit < 64 * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(isSealed(changed)).toBe(false);
  }
});
