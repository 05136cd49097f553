import { setImmediate } from 'node:timers/promises';
import { systemClock, within } from '../../../clock';
import { mib } from '../testing/hosts';
import { seededBytes, seededRandom } from '../testing/random';
import { pieceDigest, seedPieceBytes } from './pieces';
import { SeedTeller } from './seed-teller';
import { encodeCells, type ToldDigests } from './told-digests';
import { ToldSeed } from './told-seed';

const never = new AbortController().signal;
const sizeBytes = 300 * mib + 4096;
const nothingTo = (toBytes: number): ToldDigests => ({ toBytes, digests: Buffer.alloc(0) });

/** A seed that holds something in these mebibytes; all of a mebibyte depends on its place. */
const seedWith = (cells: readonly number[], onRead: (at: number) => void = () => undefined) => ({
  virtualSizeBytes: sizeBytes,
  read: async (target: Uint8Array, at: number) => {
    onRead(at);
    target.set(seededBytes(mib, at + 1).subarray(0, target.length));
  },
  images: [
    {
      shape: { virtualSizeBytes: sizeBytes },
      *extents(from = 0, to = sizeBytes) {
        for (const cell of cells) {
          const [offsetBytes, endBytes] = [Math.max(from, cell * mib), Math.min(to, (cell + 1) * mib, sizeBytes)];
          if (offsetBytes < endBytes) yield { kind: 'data' as const, offsetBytes, lengthBytes: endBytes - offsetBytes };
        }
      },
    },
  ],
});

/** Both ends, joined. */
function joined(cells: readonly number[], onRead?: (at: number) => void) {
  const wrong: (string | undefined)[] = [];
  const unreadable: unknown[] = [];
  const teller: SeedTeller = new SeedTeller({
    seed: seedWith(cells, onRead) as never,
    sizeBytes,
    say: async (told) => void wrong.push(source.take(told)),
    onUnreadable: (thrown) => unreadable.push(thrown),
  });
  const source: ToldSeed = new ToldSeed(sizeBytes, (from) => void teller.ask(from));
  const has = async (cell: number, piece = 0): Promise<boolean> => {
    const at = cell * mib;
    await source.until(at, Math.min(at + mib, sizeBytes), never);
    const bytes = seededBytes(mib, at + 1).subarray(piece * seedPieceBytes, (piece + 1) * seedPieceBytes);
    return source.has(at + piece * seedPieceBytes, () => pieceDigest(bytes));
  };
  return { has, wrong, unreadable, teller };
}

test('whoever reads on is told of each piece that the seed holds, and of no other', async () => {
  const random = seededRandom(3);
  const cells = Array.from({ length: 300 }, (_, cell) => cell).filter(() => random() < 0.6);
  const { has, wrong, teller } = joined(cells);
  for (let cell = 0; cell < 300; cell++) expect(await has(cell, cell % 16)).toBe(cells.includes(cell));
  await teller.stop();
  expect(wrong.filter((one) => one !== undefined)).toEqual([]);
});

test('a source that leaps over most of the content lets little of the seed be read', async () => {
  const read: number[] = [];
  const { has, teller } = joined(
    Array.from({ length: 301 }, (_, cell) => cell),
    (at) => read.push(at),
  );
  expect([await has(1), await has(200), await has(299)]).toEqual([true, true, true]);
  await teller.stop();
  // What was asked ahead of the first place is read; what lies between that and the leap is not.
  expect(read.filter((at) => at > 140 * mib && at < 200 * mib)).toEqual([]);
});

test('a seed that cannot be read holds nothing, and says so', async () => {
  const broken = (): void => {
    throw new Error('unreadable');
  };
  const { has, unreadable, teller } = joined([0, 1, 2], broken);
  expect([await has(0), await has(2), await has(250)]).toEqual([false, false, false]);
  await teller.stop();
  expect(unreadable.length).toBeGreaterThan(0);
});

describe('a destination that does not tell what it was asked', () => {
  const asking = (): ToldSeed => {
    const source = new ToldSeed(sizeBytes, () => undefined);
    void source.until(0, mib, AbortSignal.abort());
    return source;
  };

  test('is refused when nobody asked', () => {
    expect(new ToldSeed(sizeBytes, () => undefined).take(nothingTo(mib))).toMatch(/nobody asked/);
  });

  test.each([
    ['an end in the middle of a cell', [nothingTo(mib + 512)]],
    ['an end that does not move', [nothingTo(mib), nothingTo(mib)]],
    ['an end behind the content', [nothingTo(301 * mib)]],
    ['a cell behind its own end', [{ toBytes: mib, digests: encodeCells([{ offsetBytes: mib, digests: [] }]) }]],
    ['a place that is no cell', [{ toBytes: mib, digests: encodeCells([{ offsetBytes: 512, digests: [] }]) }]],
  ])('is refused when it tells %s', (_, answers) => {
    const source = asking();
    expect(answers.map((told) => source.take(told)).at(-1)).toMatch(/out of order/);
  });

  test('is never asked for more than four parts ahead', async () => {
    let asked = 0;
    const source = new ToldSeed(sizeBytes, () => {
      asked += 1;
    });
    await source.until(0, mib, AbortSignal.abort());
    expect(asked).toBe(4);
    for (const toBytes of [32 * mib, 64 * mib, 96 * mib, 128 * mib]) source.take(nothingTo(toBytes));
    await source.until(0, mib, AbortSignal.abort());
    expect(asked).toBe(4);
    await source.until(70 * mib, 71 * mib, AbortSignal.abort());
    expect(asked).toBe(6);
  });
});

test('a destination answers no more questions than an honest source has', () => {
  const teller = new SeedTeller({
    seed: seedWith([0]) as never,
    sizeBytes,
    say: async () => undefined,
    onUnreadable: () => undefined,
  });
  const answers = Array.from({ length: 40 }, () => teller.ask(0));
  expect(answers.filter((taken) => !taken).length).toBeGreaterThan(20);
});

test('a question that comes while the answer before it goes out is answered too', async () => {
  const answers: number[] = [];
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const teller: SeedTeller = new SeedTeller({
    seed: seedWith([0, 40]) as never,
    sizeBytes,
    say: async ({ toBytes }) => {
      answers.push(toBytes);
      if (answers.length === 2) resolve(undefined);
      else queueMicrotask(() => teller.ask(toBytes));
    },
    onUnreadable: () => undefined,
  });
  teller.ask(0);
  await within(systemClock, 10_000, promise);
  expect(answers.length).toBe(2);
});

test('a seed of 64 TiB that holds nothing is looked through in parts, and given up between them when nobody wants to know', async () => {
  const looks: number[] = [];
  const tebibyte = 2 ** 40;
  const image = {
    shape: { virtualSizeBytes: 64 * tebibyte },
    extents: (from: number, to: number) => {
      looks.push(to - from);
      return [];
    },
  };
  const empty = { virtualSizeBytes: 64 * tebibyte, images: [image], read: async () => undefined };
  const tell = (say: (told: ToldDigests) => Promise<void>): SeedTeller =>
    new SeedTeller({ seed: empty as never, sizeBytes: 64 * tebibyte, say, onUnreadable: () => undefined });
  const { promise, resolve } = Promise.withResolvers<ToldDigests>();
  tell(async (told) => resolve(told)).ask(0);
  expect((await promise).toBytes).toBe(64 * tebibyte);
  expect(Math.max(...looks)).toBeLessThanOrEqual(tebibyte);
  const wholeLooks = looks.length;
  const given = tell(async () => undefined);
  given.ask(0);
  await given.stop();
  expect(looks.length - wholeLooks).toBeLessThan(wholeLooks / 2);
});

test('a source that asks and takes no answers in has one of them kept for it, and soon may not ask any more', async () => {
  const said: ToldDigests[] = [];
  const first = Promise.withResolvers<undefined>();
  const teller = new SeedTeller({
    seed: seedWith([]) as never,
    sizeBytes,
    say: (told) => {
      said.push(told);
      first.resolve(undefined);
      return new Promise(() => undefined);
    },
    onUnreadable: () => undefined,
  });
  teller.ask(0);
  await first.promise;
  const asked: boolean[] = [];
  for (let question = 0; question < 40; question++) {
    asked.push(teller.ask(0));
    await setImmediate();
  }
  expect(asked.lastIndexOf(true)).toBeLessThan(20);
  await teller.stop();
  expect(said.length).toBe(1);
});
