import { BufferPool } from './buffer-pool';
import { seededRandom } from './testing/random';
import { releaseRun, WriteRun, type Run } from './write-run';

const slabBytes = 64 * 1024;

test('runs hold every byte once and in its place, and all memory is given back', () => {
  const random = seededRandom(4);
  const pool = new BufferPool(slabBytes);
  const run = new WriteRun();
  const expected = Buffer.alloc(4 * 1024 * 1024);
  const written = Buffer.alloc(expected.length);
  const write = (taken: Run | undefined): void => {
    if (taken === undefined) return;
    written.set(taken.bytes, taken.offsetBytes);
    releaseRun(taken, pool);
  };
  let writes = 0;
  let blocks = 0;
  for (let at = 0; at < expected.length - slabBytes;) {
    if (random() < 0.1) at += 512;
    const bytes = pool.take(512 * (1 + Math.floor(random() * 32))).fill(1 + Math.floor(random() * 255));
    expected.set(bytes, at);
    blocks += 1;
    if (!run.add(bytes, at)) {
      write(run.take());
      writes += 1;
      expect(run.add(bytes, at)).toBe(true);
    }
    at += bytes.length;
  }
  write(run.take());
  expect(run.take()).toBeUndefined();
  expect(written.equals(expected)).toBe(true);
  expect(pool.inUseBytes).toBe(0);
  expect(writes).toBeLessThan(blocks / 2);
});

test('blocks that follow each other on the disk alone are not joined', () => {
  const run = new WriteRun();
  expect(run.add(Buffer.from(new ArrayBuffer(512)), 0)).toBe(true);
  expect(run.add(Buffer.from(new ArrayBuffer(512)), 512)).toBe(false);
});

test('blocks that follow each other in memory alone are not joined', () => {
  const run = new WriteRun();
  const memory = new ArrayBuffer(1024);
  expect(run.add(Buffer.from(memory, 0, 512), 0)).toBe(true);
  expect(run.add(Buffer.from(memory, 512, 512), 1024)).toBe(false);
});
