import type { Extent } from '../image';
import { pageBytes } from '../page-memory';
import type { BufferPool } from './buffer-pool';
import type { SourceContent } from './content';
import { blockDigest, noBlockDigest } from './digest';
import { dataFrameHeadBytes, writeDataHead } from './frames';
import { batchDataBytesMax } from './limits';
import { isAllZero } from './zeros';

/** Cuts in one batch: they are read together and sent in one record. */
const batchCutsMax = 512;
/** Length of the buffers that batches are read into. */
export const batchBufferBytes = wholePages(pageBytes + batchDataBytesMax + batchCutsMax * dataFrameHeadBytes);

function wholePages(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}

/** A cut as it was found: of data, the head of its frame and its bytes stand in the batch's buffer, though not always side by side. */
export type Block = { readonly cut: Extent; readonly digest: Uint8Array } & (
  { readonly kind: 'data'; readonly headAt: number; readonly dataAt: number } | { readonly kind: 'zero' }
);

export type Batch = { readonly blocks: readonly Block[]; readonly buffer: Buffer };

/** Groups cuts, of at most so much data together, so that not each of them is read and sent by itself. */
export function* groupsOf(cuts: Iterable<Extent>, dataBytesMax = batchDataBytesMax): Generator<readonly Extent[]> {
  let group: Extent[] = [];
  let dataBytes = 0;
  for (const cut of cuts) {
    const cutDataBytes = cut.kind === 'data' ? cut.lengthBytes : 0;
    if (group.length === batchCutsMax || dataBytes + cutDataBytes > dataBytesMax) {
      if (group.length > 0) yield group;
      group = [];
      dataBytes = 0;
    }
    group.push(cut);
    dataBytes += cutDataBytes;
  }
  if (group.length > 0) yield group;
}

/**
 * Reads a group into one buffer of the pool, hashes what is data, and makes the heads of its frames. The caller releases the buffer. Throws
 * what the content throws.
 */
export async function readBatch(content: SourceContent, cuts: readonly Extent[], pool: BufferPool): Promise<Batch> {
  const { places, stretches, lengthBytes } = laidOut(cuts);
  const buffer = pool.take(lengthBytes);
  try {
    await allSettledOrThrow(
      stretches.map(({ at, offsetBytes, lengthBytes: bytes }) =>
        content.read(buffer.subarray(at, at + bytes), offsetBytes),
      ),
    );
    return { blocks: cuts.map((cut, index) => blockOf(cut, places[index], buffer)), buffer };
  } catch (thrown) {
    pool.release(buffer);
    throw thrown;
  }
}

type Place = { readonly headAt: number; readonly dataAt: number };
/** Data that follows each other on the disk, whatever frames it goes into. */
type Stretch = { readonly at: number; readonly offsetBytes: number; lengthBytes: number };

/**
 * Where in a buffer everything stands. What is one piece on the disk is one piece in memory and takes one read; so only the first of its
 * heads has room before it, and the others stand behind all the data. The first data is at the border of a page, where it can be read to
 * past the system's cache.
 */
function laidOut(cuts: readonly Extent[]): {
  readonly places: readonly (Place | undefined)[];
  readonly stretches: readonly Stretch[];
  readonly lengthBytes: number;
} {
  const stretches: Stretch[] = [];
  let endAt = pageBytes - dataFrameHeadBytes;
  const headsApart: { headAt: number }[] = [];
  const places = cuts.map(({ kind, offsetBytes, lengthBytes }) => {
    if (kind !== 'data') return undefined;
    const last = stretches.at(-1);
    if (last !== undefined && last.offsetBytes + last.lengthBytes === offsetBytes) {
      const place = { headAt: 0, dataAt: endAt };
      headsApart.push(place);
      last.lengthBytes += lengthBytes;
      endAt += lengthBytes;
      return place;
    }
    const place = { headAt: endAt, dataAt: endAt + dataFrameHeadBytes };
    stretches.push({ at: place.dataAt, offsetBytes, lengthBytes });
    endAt = place.dataAt + lengthBytes;
    return place;
  });
  for (const place of headsApart) {
    place.headAt = endAt;
    endAt += dataFrameHeadBytes;
  }
  return { places, stretches, lengthBytes: wholePages(endAt) };
}

function blockOf(cut: Extent, place: Place | undefined, buffer: Buffer): Block {
  if (place === undefined) return { kind: 'zero', cut, digest: noBlockDigest };
  const data = buffer.subarray(place.dataAt, place.dataAt + cut.lengthBytes);
  if (isAllZero(data)) return { kind: 'zero', cut, digest: noBlockDigest };
  const digest = blockDigest(data);
  const { offsetBytes, lengthBytes } = cut;
  writeDataHead(buffer, place.headAt, { offsetBytes, lengthBytes, digest });
  return { kind: 'data', cut, digest, ...place };
}

/** Waits for all of them even when one fails: the buffer must not be used again while a read still fills it. */
async function allSettledOrThrow(reads: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(reads)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
