import type { Batch } from './batches';
import { Compactor } from './compactor';
import { blockDigest } from './digest';
import { dataFrameHeadBytes } from './frames';
import { ToldSeed } from './seed/told-seed';
import { mib } from './testing/hosts';
import { seededBytes } from './testing/random';

const never = new AbortController().signal;

/** Two mebibytes of data that follow each other, as they are read. */
function batch(): Batch {
  const buffer = Buffer.concat([Buffer.alloc(dataFrameHeadBytes), seededBytes(2 * mib, 1)]);
  const blocks = [0, 1].map((at) => {
    const cut = { kind: 'data' as const, offsetBytes: at * mib, lengthBytes: mib };
    const dataAt = dataFrameHeadBytes + at * mib;
    const digest = blockDigest(buffer.subarray(dataAt, dataAt + mib));
    return { kind: 'data' as const, cut, digest, headAt: 0, dataAt };
  });
  return { blocks, buffer };
}

test('an ordinary copy waits for nothing between reading a batch and sending it, and nothing of it is touched', () => {
  const found = new Compactor({ seed: undefined, pack: () => undefined }).slicesOf(batch(), never);
  expect(found).toEqual(new Map());
});

test('a packed block is its head and what was packed; where there is a seed it waits until that is told', async () => {
  const one = batch();
  const packed = Buffer.from('packed');
  const found = new Compactor({ seed: undefined, pack: () => packed }).slicesOf(one, never);
  expect(found).toEqual(new Map(one.blocks.map((block) => [block, [expect.any(Buffer), packed]])));
  const asked: number[] = [];
  const seed = new ToldSeed(2 * mib, (fromBytes) => asked.push(fromBytes));
  const waiting = new Compactor({ seed, pack: () => undefined }).slicesOf(one, never);
  expect(asked.length).toBeGreaterThan(0);
  seed.take({ toBytes: 2 * mib, digests: Buffer.alloc(0) });
  expect(await waiting).toEqual(new Map());
});
