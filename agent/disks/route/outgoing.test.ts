import { BufferPool } from './buffer-pool';
import { batchBufferBytes, groupsOf, readBatch } from './batches';
import type { ContentFacts, SourceContent } from './content';
import { cutsOf } from './cuts';
import { FrameReader } from './frame-reader';
import { contentFromSource, type Frame } from './frames';
import type { Extent } from '../image';
import { Outgoing } from './outgoing';
import { mib } from './testing/hosts';
import { shapeOf } from './testing/images';
import { seededBytes } from './testing/random';

const start = '0'.repeat(64);
const shape = shapeOf({ virtualSizeBytes: 256 * mib });
const image: ContentFacts = { type: 'image', shape, fileSizeBytes: 1 };
const child: ContentFacts = {
  ...image,
  shape: { ...shape, kind: 'differencing', parent: { dataWriteId: shape.dataWriteId, relativePath: 'p' } },
};

/** Content whose bytes depend on their place, in mebibytes of their own, but for ranges that are all zero. */
const contentOf = (
  facts: ContentFacts,
  extents: Extent[],
  zeroRanges: readonly (readonly [number, number])[],
): SourceContent => ({
  facts,
  extents: () => extents,
  read: async (target, offsetBytes) => {
    for (let done = 0; done < target.length;) {
      const at = offsetBytes + done;
      const part = target.subarray(done, done + mib - (at % mib));
      const isZero = zeroRanges.some(([from, to]) => at >= from && at < to);
      part.set(isZero ? Buffer.alloc(part.length) : seededBytes(part.length, at + 1));
      done += part.length;
    }
  },
  close: async () => undefined,
});

async function framesOf(
  content: SourceContent,
): Promise<{ frames: Frame[]; digest: string; inUseBytes: number; endBytes: number }> {
  const frames: Frame[] = [];
  const reader = new FrameReader(contentFromSource, {
    takeBuffer: (bytes) => Buffer.alloc(bytes),
    releaseBuffer: () => undefined,
    onFrame: (frame) => frames.push(frame),
  });
  const pool = new BufferPool(batchBufferBytes);
  const outgoing = new Outgoing(content, start);
  let endBytes = 0;
  for (const group of groupsOf(cutsOf(content.extents(0), 0))) {
    const batch = await readBatch(content, group, pool);
    const sent = outgoing.slicesOf(batch);
    endBytes = sent.endBytes;
    expect(reader.push(Buffer.concat(sent.slices))).toBeUndefined();
    pool.release(batch.buffer);
  }
  reader.push(Buffer.concat(outgoing.rest()));
  return { frames, digest: outgoing.digest, inUseBytes: pool.inUseBytes, endBytes };
}

const data = (offsetBytes: number, lengthBytes: number): Extent => ({ kind: 'data', offsetBytes, lengthBytes });
const placeOf = (frame: Frame): Place => {
  if (frame.kind === 'data') return ['data', frame.offsetBytes, frame.bytes.length];
  if (frame.kind === 'zero') return ['zero', frame.offsetBytes, frame.lengthBytes];
  return frame.kind === 'skip' ? ['skip', frame.toBytes, frame.passedBytes] : [frame.kind, 0, 0];
};
type Place = [kind: Frame['kind'], offsetBytes: number, lengthBytes: number];

/** Where frames are, those of data and of zeros that follow each other joined: how long one frame is, is for another test. */
function placesOf(frames: readonly Frame[]): Place[] {
  const places: Place[] = [];
  for (const [kind, offsetBytes, lengthBytes] of frames.map(placeOf)) {
    const last = places.at(-1);
    if (last?.[0] === kind && kind !== 'skip' && last[1] + last[2] === offsetBytes) last[2] += lengthBytes;
    else places.push([kind, offsetBytes, lengthBytes]);
  }
  return places;
}

test('data that is all zero does not travel, and where nothing stands below it is passed over', async () => {
  const content = contentOf(image, [data(0, 4 * mib), data(8 * mib, 512)], [[mib, 3 * mib]]);
  const { frames, inUseBytes, endBytes } = await framesOf(content);
  expect(placesOf(frames)).toEqual([
    ['data', 0, mib],
    ['skip', 3 * mib, 2 * mib],
    ['data', 3 * mib, mib],
    ['data', 8 * mib, 512],
  ]);
  expect({ inUseBytes, endBytes }).toEqual({ inUseBytes: 0, endBytes: 8 * mib + 512 });
});

test('data that is all zero becomes a zero frame where a parent may hold something else', async () => {
  const extents: Extent[] = [data(0, 2 * mib), { kind: 'zero', offsetBytes: 2 * mib, lengthBytes: 100 * mib }];
  const { frames } = await framesOf(contentOf(child, extents, [[mib, 2 * mib]]));
  expect(placesOf(frames)).toEqual([
    ['data', 0, mib],
    ['zero', mib, 101 * mib],
  ]);
});

test('a long way without data is said every 64 MiB and at its end', async () => {
  const { frames } = await framesOf(contentOf(image, [data(0, 150 * mib)], [[0, 150 * mib]]));
  expect(placesOf(frames)).toEqual([
    ['skip', 64 * mib, 64 * mib],
    ['skip', 128 * mib, 64 * mib],
    ['skip', 150 * mib, 22 * mib],
  ]);
});

test('thousands of small extents arrive in order with their bytes, and in few pieces', async () => {
  const extents = Array.from({ length: 2000 }, (_, index) => data(index * 8192, 512 * (1 + (index % 8))));
  const content = contentOf(child, extents, [[800 * 8192, 1200 * 8192]]);
  const groups = [...groupsOf(cutsOf(extents, 0))];
  expect(groups.length).toBeLessThanOrEqual(2000 / 200);
  const { frames } = await framesOf(content);
  expect(frames).toHaveLength(2000);
  for (const frame of frames) {
    if (frame.kind === 'data')
      expect(frame.bytes.equals(seededBytes(frame.bytes.length, frame.offsetBytes + 1))).toBe(true);
  }
  expect(frames.filter((frame) => frame.kind === 'zero')).toHaveLength(400);
});

test('what is one piece on the disk takes one read, whatever frames it becomes, and a batch has no more data than it may', async () => {
  const extents = [data(0, 512), data(mib / 2, 4 * mib), data(8 * mib, 512), data(9 * mib, 512)];
  const reads: Place[] = [];
  const content: SourceContent = {
    ...contentOf(image, extents, []),
    read: async (target, offsetBytes) => {
      reads.push(['data', offsetBytes, target.length]);
      target.fill(1 + (reads.length % 250));
    },
  };
  const pool = new BufferPool(batchBufferBytes);
  for (const group of groupsOf(cutsOf(extents, 0), 2 * mib)) {
    const { blocks, buffer } = await readBatch(content, group, pool);
    expect(blocks.reduce((sum, { cut }) => sum + cut.lengthBytes, 0)).toBeLessThanOrEqual(2 * mib);
    pool.release(buffer);
  }
  expect(reads).toEqual([
    ['data', 0, 512],
    ['data', mib / 2, 1.5 * mib],
    ['data', 2 * mib, 2 * mib],
    ['data', 4 * mib, 0.5 * mib],
    ['data', 8 * mib, 512],
    ['data', 9 * mib, 512],
  ]);
});

test('the digest depends on the content, and not on how it is grouped', async () => {
  const one = await framesOf(contentOf(child, [data(0, mib)], []));
  const same = await framesOf(contentOf(child, [data(0, mib)], []));
  const other = await framesOf(contentOf(child, [data(0, mib)], [[0, mib]]));
  expect(one.digest).toBe(same.digest);
  expect(one.digest).not.toBe(other.digest);
});

test('a read that fails gives the buffer back only when no other read fills it any more', async () => {
  const pool = new BufferPool(batchBufferBytes);
  let slowEnded = false;
  const content: SourceContent = {
    ...contentOf(image, [], []),
    read: async (_, offsetBytes) => {
      if (offsetBytes === 0) throw new Error('unreadable');
      await new Promise((resolve) => setTimeout(resolve, 20));
      slowEnded = true;
    },
  };
  await expect(readBatch(content, [data(0, 512), data(1024, 512)], pool)).rejects.toThrow('unreadable');
  expect({ slowEnded, inUse: pool.inUseBytes }).toEqual({ slowEnded: true, inUse: 0 });
});
