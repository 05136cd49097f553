import { BufferPool } from './buffer-pool';
import { seededRandom } from './testing/random';

const slabBytes = 64 * 1024;

test('buffers in use never overlap, and what is given back is used again', () => {
  const random = seededRandom(3);
  const pool = new BufferPool(slabBytes);
  const inUse: { readonly buffer: Buffer; readonly mark: number }[] = [];
  for (let mark = 0; mark < 20_000; mark++) {
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

test('a buffer of a slab is as long as it was asked for, up to a whole slab', () => {
  const pool = new BufferPool(slabBytes);
  expect([0, 1, 4096, slabBytes].map((bytes) => pool.take(bytes).length)).toEqual([0, 1, 4096, slabBytes]);
});

test('the memory of a buffer that was dropped is not used again', () => {
  const pool = new BufferPool(slabBytes);
  const beside = pool.take(100);
  const dropped = pool.take(1000);
  pool.drop(dropped);
  pool.release(beside);
  const later = Array.from({ length: 200 }, () => pool.take(1000));
  expect(later.some(({ buffer }) => buffer === dropped.buffer)).toBe(false);
  for (const buffer of later) pool.release(buffer);
  expect(pool.inUseBytes).toBe(0);
});
