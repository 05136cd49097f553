import { BufferPool } from './buffer-pool';
import { seededRandom } from './testing/random';

const slabBytes = 64 * 1024;

test('buffers in use never overlap, and what is given back is used again', () => {
  const random = seededRandom(3);
  const pool = new BufferPool(slabBytes);
  const inUse: { readonly buffer: Buffer; readonly mark: number }[] = [];
  for (let mark = 0; mark < 4_000; mark++) {
    const buffer = pool.take(1 + Math.floor(random() * (random() < 0.1 ? slabBytes : 4096)));
    inUse.push({ buffer: buffer.fill(mark % 251), mark: mark % 251 });
    while (inUse.length > 20) {
      const [given] = inUse.splice(Math.floor(random() * inUse.length), 1);
      expect(given?.buffer.every((byte) => byte === given.mark)).toBe(true);
      if (given) pool.release(given.buffer);
    }
  }
  expect(pool.inUseBytes).toBe(inUse.reduce((sum, { buffer }) => sum + buffer.length, 0));
  expect(pool.heldBytes).toBeLessThanOrEqual(22 * slabBytes);
});

const overlap = (one: Buffer, other: Buffer): boolean =>
  one.buffer === other.buffer &&
  one.byteOffset < other.byteOffset + other.length &&
  other.byteOffset < one.byteOffset + one.length;

test('an empty buffer behind a full slab is given back without harm to the next slab', () => {
  const pool = new BufferPool(slabBytes);
  const whole = pool.take(slabBytes);
  const empty = pool.take(0);
  const next = pool.take(slabBytes);
  pool.release(empty);
  const later = Array.from({ length: 4 }, () => pool.take(slabBytes));
  expect([whole, ...later].some((buffer) => overlap(buffer, next))).toBe(false);
});

test('a buffer of a slab is as long as it was asked for, up to a whole slab', () => {
  const pool = new BufferPool(slabBytes);
  expect([0, 1, 4096, slabBytes].map((bytes) => pool.take(bytes).length)).toEqual([0, 1, 4096, slabBytes]);
});

test('a closed pool leaves its memory to the next one, but not what somebody has a buffer of still', () => {
  const used = new BufferPool(slabBytes);
  const first = used.take(slabBytes).fill(1);
  used.release(first);
  used.close();
  const next = new BufferPool(slabBytes);
  const taken = next.take(slabBytes);
  expect(taken.buffer).toBe(first.buffer);
  next.close();
  const last = new BufferPool(slabBytes);
  expect(overlap(last.take(slabBytes), taken)).toBe(false);
  next.release(taken);
  expect(next.inUseBytes).toBe(0);
});
