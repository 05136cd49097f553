import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failureOf, type Failure } from '../../../contracts/failure';
import { systemClock } from '../../clock';
import { DiskError, valueOf } from '../failures';
import { BufferPool } from './buffer-pool';
import { sizeBytesOf, type ContentFacts, type TargetContent } from './content';
import { ContentWriter, type WriterSeed } from './content-writer';
import { blockDigest, DigestChain } from './digest';
import type { ContentFrame } from './frames';
import { nothingReceived, openJournal, type Journal } from './journal';
import type { Mark } from './journal-records';
import { windowBytesMax } from './limits';
import { Assembler } from './seed/assembler';
import { seedPieceBytes } from './seed/pieces';
import { run } from './testing/hosts';
import { shapeOf } from './testing/images';
import { seededBytes, seededRandom } from './testing/random';

/** A disk of 16 of these, of which one is made durable at once. */
const unit = 64 * 1024;

const facts: ContentFacts = { type: 'image', shape: shapeOf({ virtualSizeBytes: 16 * unit }), fileSizeBytes: 1 };
const withParent: ContentFacts = {
  ...facts,
  shape: { ...facts.shape, kind: 'differencing', parent: { dataWriteId: facts.shape.dataWriteId, relativePath: 'p' } },
};

/** A disk in memory with a volatile and a durable half, whose writes end when the test says so, in any order. */
class Disk implements TargetContent {
  readonly volatile = Buffer.alloc(16 * unit);
  readonly log: string[] = [];
  durable = Buffer.alloc(16 * unit);
  hold = false;
  fail: Failure | undefined;
  readonly #held: (() => void)[] = [];

  async write(data: Uint8Array, offsetBytes: number): Promise<void> {
    if (this.hold) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (this.fail) throw new DiskError(this.fail);
    this.volatile.set(data, offsetBytes);
    this.log.push(`write ${offsetBytes}`);
  }

  async writeZeros(offsetBytes: number, lengthBytes: number): Promise<void> {
    this.volatile.fill(0, offsetBytes, offsetBytes + lengthBytes);
    this.log.push(`zeros ${offsetBytes}`);
  }

  async flush(): Promise<void> {
    const taken = Buffer.from(this.volatile);
    await systemClock.sleep(1);
    if (this.fail) throw new DiskError(this.fail);
    this.durable = taken;
    this.log.push('flush');
  }

  async close(): Promise<void> {
    this.log.push('close');
  }

  letGo(random: () => number): void {
    const held = this.#held.splice(0);
    while (held.length > 0) held.splice(Math.floor(random() * held.length), 1)[0]?.();
  }
}

let folder: string;
let journal: Journal;
let disk: Disk;
let pool: BufferPool;
let told: Mark[];
let failures: Failure[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperferry-writer-'));
  journal = valueOf(await openJournal(join(folder, 'journal'))).journal;
  await journal.begin({ schema: 1, runId: run, path: 'p', facts, extentBytes: 0 }, nothingReceived);
  disk = new Disk();
  pool = new BufferPool(2 * unit);
  told = [];
  failures = [];
});
afterEach(async () => {
  await journal.close();
  await rm(folder, { recursive: true, force: true });
});

const writerOf = (
  of: ContentFacts = facts,
  to: Pick<Journal, 'content' | 'mark' | 'received'> = journal,
  onDurable: (mark: Mark) => void = (mark) => told.push(mark),
  seed?: WriterSeed,
): ContentWriter =>
  new ContentWriter({
    path: 'copy',
    target: disk,
    facts: of,
    journal: to,
    pool,
    seed,
    flushBytes: unit,
    clock: systemClock,
    onDurable,
    onWritten: () => undefined,
    onFailure: (failure) => failures.push(failure),
  });

function dataFrameAt(offsetBytes: number, bytes: Buffer, digest = blockDigest(bytes)): ContentFrame {
  const taken = pool.take(bytes.length);
  taken.set(bytes);
  return { kind: 'data', offsetBytes, bytes: taken, digest };
}

test('the watermark is told only when everything before it is durable and in the journal', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = seededRandom(seed);
    const content = seededBytes(16 * unit, seed);
    disk = new Disk();
    await journal.begin({ schema: 1, runId: run, path: 'p', facts, extentBytes: 0 }, nothingReceived);
    const isDurable = ({ watermarkBytes }: Mark): boolean =>
      disk.durable.subarray(0, watermarkBytes).equals(content.subarray(0, watermarkBytes));
    const ahead: string[] = [];
    const checked: Pick<Journal, 'content' | 'mark' | 'received'> = {
      content: journal.content,
      received: (bytes) => journal.received(bytes),
      mark: (mark, received) => {
        if (!isDurable(mark)) ahead.push(`journal ${mark.watermarkBytes}`);
        return journal.mark(mark, received);
      },
    };
    const writer = writerOf(facts, checked, (mark) => {
      if (journal.content.mark.watermarkBytes < mark.watermarkBytes) ahead.push(`told ${mark.watermarkBytes}`);
      told.push(mark);
    });
    for (let at = 0; at < content.length;) {
      const lengthBytes = Math.min(content.length - at, 512 * (1 + Math.floor(random() * 64)));
      disk.hold = random() < 0.5;
      expect(writer.accept(dataFrameAt(at, content.subarray(at, at + lengthBytes)))).toBeUndefined();
      at += lengthBytes;
      if (random() < 0.3) disk.letGo(random);
      if (random() < 0.3) await systemClock.sleep(2);
      if (random() < 0.2) writer.flushOlderThan(0);
    }
    disk.hold = false;
    disk.letGo(random);
    await writer.settle();
    expect(ahead).toEqual([]);
    expect(journal.content.mark.watermarkBytes).toBe(16 * unit);
    expect(disk.durable.equals(content)).toBe(true);
    expect(pool.inUseBytes).toBe(0);
  }
});

test('a block whose digest is wrong is named and never written, and its buffer is free again', async () => {
  const writer = writerOf();
  const bytes = seededBytes(4096, 1);
  const wrong = seededBytes(32, 2);
  expect(writer.accept(dataFrameAt(8192, bytes, wrong))).toEqual({ kind: 'mismatch', offsetBytes: 8192 });
  await writer.settle();
  expect({ log: disk.log, inUse: pool.inUseBytes, position: writer.position.watermarkBytes }).toEqual({
    log: [],
    inUse: 0,
    position: 0,
  });
  expect(writer.received.sentBytes).toBe(4096);
});

test.each<[string, ContentFacts, (at: number) => ContentFrame, RegExp]>([
  ['data before what has come', facts, () => dataFrameAt(0, seededBytes(512, 1)), /before 4096/],
  ['data past the end', facts, () => dataFrameAt(16 * unit - 512, seededBytes(1024, 1)), /ends at/],
  ['data that is no whole sectors', facts, () => dataFrameAt(8192, seededBytes(100, 1)), /whole sectors/],
  [
    'zeros where there is no parent',
    facts,
    () => ({ kind: 'zero', offsetBytes: 8192, lengthBytes: 512 }),
    /without a parent/,
  ],
  ['zeros past the end', withParent, () => ({ kind: 'zero', offsetBytes: 8192, lengthBytes: 2 ** 40 }), /ends at/],
  ['a skip backwards', facts, () => ({ kind: 'skip', toBytes: 512, passedBytes: 512 }), /before 4096/],
  ['a skip past the end', facts, () => ({ kind: 'skip', toBytes: 17 * unit, passedBytes: 512 }), /ends at/],
])('%s is refused and nothing of it is written', async (_, of, frame, reason) => {
  const writer = writerOf(of);
  writer.accept(dataFrameAt(0, seededBytes(4096, 1)));
  expect(writer.accept(frame(0))).toEqual({ kind: 'violation', reason: expect.stringMatching(reason) });
  await writer.settle();
  expect(disk.log).toEqual(['write 0', 'flush']);
  expect(pool.inUseBytes).toBe(0);
});

test('zeros, skips and data are counted apart, and zeros are written only where they are said', async () => {
  const writer = writerOf(withParent);
  writer.accept(dataFrameAt(0, seededBytes(4096, 1)));
  writer.accept({ kind: 'zero', offsetBytes: 8192, lengthBytes: 1024 });
  writer.accept({ kind: 'skip', toBytes: unit, passedBytes: 2048 });
  writer.acceptEnd();
  await writer.settle();
  expect(journal.content.mark).toMatchObject({ watermarkBytes: sizeBytesOf(facts), dataBytes: 4096, zeroBytes: 3072 });
  expect(disk.log.filter((entry) => entry.startsWith('zeros'))).toEqual(['zeros 8192']);
});

test('the digest in the journal is the chain up to the watermark', async () => {
  const writer = writerOf();
  const bytes = seededBytes(unit, 1);
  const chain = new DigestChain();
  chain.add('data', 0, unit, blockDigest(bytes));
  writer.accept(dataFrameAt(0, bytes));
  await writer.settle();
  writer.accept(dataFrameAt(2 * unit, seededBytes(512, 3)));
  expect(journal.content.mark).toMatchObject({ watermarkBytes: unit, digest: chain.digest });
  expect(writer.isWhole(chain.digest)).toBe(false);
});

describe('a block that is said in fewer bytes than it has', () => {
  const block = seededBytes(2 * seedPieceBytes, 1);
  const digest = blockDigest(block);
  const inSeed = (offsetBytes: number): ContentFrame => ({
    ...{ kind: 'compact', offsetBytes, lengthBytes: block.length, digest, taken: 0b10, isPacked: false },
    rest: block.subarray(0, seedPieceBytes),
  });
  const seedOf = (bytes: Buffer) => {
    const failed: string[] = [];
    const read = async (target: Uint8Array, at: number): Promise<void> => {
      target.set(bytes.subarray(at, at + target.length));
    };
    const assembler = new Assembler({ path: 'seed', virtualSizeBytes: bytes.length, read }, pool);
    return { failed, seed: { assembler, onFailed: (reason: string) => failed.push(reason) } };
  };
  const wideFacts: ContentFacts = { ...facts, shape: shapeOf({ virtualSizeBytes: 2000 * unit }) };

  test('is put together with what the seed has, and counted as taken from there', async () => {
    const { seed } = seedOf(Buffer.concat([Buffer.alloc(seedPieceBytes), block.subarray(seedPieceBytes)]));
    const writer = writerOf(facts, journal, undefined, seed);
    expect(writer.accept(inSeed(0))).toBeUndefined();
    await writer.settle();
    expect(disk.durable.subarray(0, block.length).equals(block)).toBe(true);
    expect(journal.content.mark).toMatchObject({ dataBytes: seedPieceBytes, seedBytes: seedPieceBytes });
    expect(writer.received).toEqual({ sentBytes: seedPieceBytes, savedBytes: 0 });
    expect(pool.inUseBytes).toBe(0);
  });

  test.each<[string, Buffer]>([
    ['holds something else', Buffer.alloc(4 * seedPieceBytes, 7)],
    ['ends before', Buffer.alloc(seedPieceBytes)],
  ])('is never written when the seed %s, and no watermark passes it', async (_, seedBytes) => {
    const { seed, failed } = seedOf(seedBytes);
    const writer = writerOf(facts, journal, undefined, seed);
    writer.accept(dataFrameAt(0, seededBytes(512, 3)));
    await writer.settle();
    writer.accept(inSeed(seedPieceBytes * 2));
    writer.accept(inSeed(seedPieceBytes * 4));
    await writer.settle();
    writer.flushOlderThan(0);
    await writer.stop();
    expect(failed.length).toBe(1);
    expect(writer.seedFailure).toBe(failed[0]);
    expect(journal.content.mark.watermarkBytes).toBe(512);
    expect(disk.log.filter((entry) => entry.startsWith('write'))).toEqual(['write 0']);
    expect(pool.inUseBytes).toBe(0);
  });

  test('does not belong here when there is no seed', () => {
    expect(writerOf().accept(inSeed(0))).toMatchObject({ kind: 'violation' });
  });

  test('is refused further ahead of what is durable than a window may be', async () => {
    const { seed } = seedOf(Buffer.alloc(0));
    const writer = writerOf(wideFacts, journal, undefined, seed);
    const answers: unknown[] = [];
    for (let at = 0; at <= windowBytesMax && answers.at(-1) === undefined; at += block.length)
      answers.push(writer.accept(inSeed(at)));
    expect(answers.at(-1)).toEqual({ kind: 'violation', reason: expect.stringMatching(/ahead of what is durable/) });
    expect(answers.length).toBe(windowBytesMax / block.length + 1);
    await writer.stop();
  });
});

test.each(['write', 'flush'])(
  'a full disk at a %s stops everything, and the watermark stays where it was',
  async (when) => {
    const writer = writerOf();
    writer.accept(dataFrameAt(0, seededBytes(unit, 1)));
    await writer.settle();
    const full = failureOf('DiskFull', { message: 'no room', effect: 'unknown' });
    if (when === 'write') disk.fail = full;
    writer.accept(dataFrameAt(unit, seededBytes(512, 2)));
    if (when === 'flush') disk.fail = full;
    await writer.settle();
    disk.fail = undefined;
    writer.flushOlderThan(0);
    await writer.settle();
    await writer.stop();
    expect(failures).toEqual([{ ...full, effect: 'applied' }]);
    expect(writer.failure).toMatchObject({ code: 'DiskFull', effect: 'applied' });
    expect(journal.content.mark.watermarkBytes).toBe(unit);
    expect(told.map((mark) => mark.watermarkBytes)).toEqual([unit]);
  },
);
