import {
  bitmapIndex,
  chunkOfBlock,
  entryHigh,
  entryLow,
  entryOffsetBytes,
  entryState,
  geometryOf,
  isBitmapIndex,
  payloadIndex,
} from './bat';
import { gib, mib, tib } from './numbers';

const geometry = (
  blockSizeBytes: number,
  logicalSectorSizeBytes: number,
  virtualSizeBytes: number,
  hasParent = false,
) => geometryOf({ blockSizeBytes, logicalSectorSizeBytes, virtualSizeBytes, hasParent });

it.each([
  [mib, 4096, 32768],
  [2 * mib, 2048, 16384],
  [32 * mib, 128, 1024],
  [256 * mib, 16, 128],
])('blocks of %d bytes: %d to a sector bitmap with 512 byte sectors, %d with 4096', (blockSize, small, large) => {
  expect(geometry(blockSize, 512, tib).chunkRatio).toBe(small);
  expect(geometry(blockSize, 4096, tib).chunkRatio).toBe(large);
});

it('puts the entries of sector bitmaps between those of blocks', () => {
  const one = geometry(32 * mib, 512, 16 * gib);
  expect([payloadIndex(one, 127), payloadIndex(one, 128)]).toEqual([127, 129]);
  expect([bitmapIndex(one, 0), bitmapIndex(one, 1)]).toEqual([128, 257]);
  expect([127, 128, 129, 257].map((index) => isBitmapIndex(one, index))).toEqual([false, true, false, true]);
  expect([chunkOfBlock(one, 127), chunkOfBlock(one, 128)]).toEqual([0, 1]);
});

it('counts the entries that a table needs, with a parent those of whole chunks', () => {
  expect(geometry(mib, 512, 4 * gib).entryCount).toBe(4096);
  expect(geometry(mib, 512, 4 * gib + 512).entryCount).toBe(4098);
  expect(geometry(mib, 512, 4 * gib, true).entryCount).toBe(4097);
  expect(geometry(mib, 512, 512, true).entryCount).toBe(4097);
  expect(geometry(mib, 512, 64 * tib).entryCount).toBe(2 ** 26 + 2 ** 14 - 1);
});

it('packs a place beyond 4 GiB and a state into two halves', () => {
  const place = 63 * tib + 5 * mib;
  const [low, high] = [entryLow(7, place), entryHigh(place)];
  expect(BigInt(high) * 2n ** 32n + BigInt(low)).toBe(BigInt(place) + 7n);
  expect([entryState(low), entryOffsetBytes(low, high)]).toEqual([7, place]);
});
