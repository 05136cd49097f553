import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectAccess } from './direct-access';
import { nodeFiles } from './file';
import { isWholePages, pageBytes, pageMemory } from './page-memory';
import { SeededRandom } from './testing/random';

const folder = mkdtempSync(join(tmpdir(), 'hyperferry-direct-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Pieces of page memory with random bytes, some of whole pages and some not, long and short. */
function somePieces(count: number): Buffer[] {
  const random = new SeededRandom(5);
  const memory = pageMemory(1024 * 1024);
  for (let at = 0; at < memory.length; at += 4) memory.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at);
  return Array.from({ length: count }, () => {
    const unit = random.next() < 0.7 ? pageBytes : 512;
    const lengthBytes = unit * (1 + Math.floor((random.next() * (memory.length / 2)) / unit));
    const from = unit * Math.floor((random.next() * (memory.length - lengthBytes)) / unit);
    return memory.subarray(from, from + lengthBytes);
  });
}

test('a file holds what was written last, whichever way each write took', async () => {
  const path = join(folder, 'mixed');
  const file = await nodeFiles.create(path);
  const random = new SeededRandom(9);
  const expected = Buffer.alloc(4 * 1024 * 1024);
  await file.resize(expected.length);
  for (const piece of somePieces(60)) {
    const unit = random.next() < 0.7 ? pageBytes : 512;
    const offset = unit * Math.floor((random.next() * (expected.length - piece.length)) / unit);
    await file.write(piece, offset);
    expected.set(piece, offset);
    const seen = Buffer.alloc(piece.length);
    await file.read(seen, offset);
    expect(seen.equals(piece)).toBe(true);
  }
  await file.sync();
  await file.close();
  expect(readFileSync(path).equals(expected)).toBe(true);
});

test('what is not of whole pages, or short, is left to the cache', async () => {
  const handle = await open(join(folder, 'left'), 'w');
  const direct = new DirectAccess(handle, 'writes');
  const memory = pageMemory(1024 * 1024);
  expect(isWholePages(Buffer.alloc(pageBytes))).toBe(false);
  expect(isWholePages(memory.subarray(512, 512 + pageBytes))).toBe(false);
  expect(await direct.transfer(memory.subarray(0, memory.length - 512), 0)).toBe(0);
  expect(await direct.transfer(memory, 512)).toBe(0);
  expect(await direct.transfer(memory.subarray(0, pageBytes), 0)).toBe(0);
  expect(await direct.transfer(Buffer.alloc(memory.length), 0)).toBe(0);
  await direct.close();
  await handle.close();
});

test('a writer that cannot open its file a second time, or whose file system wants no such writes, leaves all to the cache', async () => {
  const handle = await open(join(folder, 'closed'), 'w');
  const direct = new DirectAccess(handle, 'writes');
  await handle.close();
  expect(await direct.transfer(pageMemory(1024 * 1024), 0)).toBe(0);
  await direct.close();
});

test('a file with holes is read whole pages and parts of them, across holes and up to its end', async () => {
  const path = join(folder, 'holes');
  const expected = Buffer.alloc(8 * 1024 * 1024 + 1536);
  const made = await nodeFiles.create(path);
  await made.resize(expected.length);
  const random = new SeededRandom(11);
  for (const piece of somePieces(3)) {
    const offset = 512 * random.below((expected.length - piece.length) / 512);
    await made.write(piece, offset);
    expected.set(piece, offset);
  }
  await made.close();
  const file = await nodeFiles.open(path, 'read');
  const memory = pageMemory(1024 * 1024);
  for (let count = 0; count < 200; count++) {
    const unit = random.next() < 0.7 ? pageBytes : 512;
    const target = memory.subarray(0, unit * (1 + random.below(memory.length / unit))).fill(0xee);
    const offset = unit * random.below(1 + Math.floor((expected.length - target.length) / unit));
    await file.read(target, offset);
    expect(target.equals(expected.subarray(offset, offset + target.length))).toBe(true);
  }
  const tail = memory.subarray(0, 512 * 1024);
  await expect(file.read(tail, expected.length - 1536 - pageBytes)).rejects.toMatchObject({
    failure: { code: 'DiskTruncated' },
  });
  await file.close();
});

test('the error of a write is told, and no bytes are said to be written', async () => {
  const handle = await open('/dev/full', 'w').catch(() => undefined);
  if (handle === undefined) return;
  const file = await nodeFiles.open('/dev/full', 'write');
  await expect(file.write(pageMemory(1024 * 1024), 0)).rejects.toMatchObject({
    failure: { code: 'DiskFull' },
  });
  await file.close();
  await handle.close();
});
