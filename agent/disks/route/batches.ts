import type { Extent } from '../image';
import { pageBytes } from '../page-memory';
import type { BufferPool } from './buffer-pool';
import type { SourceContent } from './content';
import { blockDigest, noBlockDigest } from './digest';
import { dataFrameHeadBytes, writeDataHead } from './frames';
import { dataFrameBytes } from './limits';
import { isAllZero } from './zeros';

/** Cuts in one batch: they are read together and sent with one write. */
const batchCutsMax = 512;
/** Length of the buffers that batches are read into. */
export const batchBufferBytes = wholePages(dataFrameBytes + batchCutsMax * dataFrameHeadBytes);

function wholePages(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}

/** A cut as it was found: data stands in the batch's buffer as a whole frame, from `at` on. */
export type Block = { readonly cut: Extent; readonly digest: Uint8Array } & (
  { readonly kind: 'data'; readonly at: number } | { readonly kind: 'zero' }
);

export type Batch = { readonly blocks: readonly Block[]; readonly buffer: Buffer };

/** Groups cuts so that what lies in small extents is not read and sent one by one. */
export function* groupsOf(cuts: Iterable<Extent>): Generator<readonly Extent[]> {
  let group: Extent[] = [];
  let dataBytes = 0;
  for (const cut of cuts) {
    const cutDataBytes = cut.kind === 'data' ? cut.lengthBytes : 0;
    if (group.length === batchCutsMax || dataBytes + cutDataBytes > dataFrameBytes) {
      yield group;
      group = [];
      dataBytes = 0;
    }
    group.push(cut);
    dataBytes += cutDataBytes;
  }
  if (group.length > 0) yield group;
}

/**
 * Reads a group into one buffer of the pool, hashes what is data, and puts the head of its frame before it. The caller releases the
 * buffer. Throws what the content throws.
 */
export async function readBatch(content: SourceContent, cuts: readonly Extent[], pool: BufferPool): Promise<Batch> {
  const dataCuts = cuts.filter((cut) => cut.kind === 'data');
  // A single block, which is the usual case, stands at the border of a page, where it can be read to past the system's cache.
  const firstAt = dataCuts.length === 1 ? pageBytes - dataFrameHeadBytes : 0;
  const lengthBytes = dataCuts.reduce((sum, cut) => sum + dataFrameHeadBytes + cut.lengthBytes, firstAt);
  const buffer = pool.take(lengthBytes);
  try {
    let at = firstAt;
    const reads = dataCuts.map((cut) => {
      at += dataFrameHeadBytes + cut.lengthBytes;
      return content.read(buffer.subarray(at - cut.lengthBytes, at), cut.offsetBytes);
    });
    await allSettledOrThrow(reads);
    return { blocks: blocksOf(cuts, buffer, firstAt), buffer };
  } catch (thrown) {
    pool.release(buffer);
    throw thrown;
  }
}

function blocksOf(cuts: readonly Extent[], buffer: Buffer, firstAt: number): Block[] {
  let at = firstAt;
  return cuts.map((cut) => {
    if (cut.kind === 'zero') return { kind: 'zero', cut, digest: noBlockDigest };
    const frameAt = at;
    const dataAt = frameAt + dataFrameHeadBytes;
    at = dataAt + cut.lengthBytes;
    const data = buffer.subarray(dataAt, at);
    if (isAllZero(data)) return { kind: 'zero', cut, digest: noBlockDigest };
    const digest = blockDigest(data);
    writeDataHead(buffer, frameAt, { offsetBytes: cut.offsetBytes, lengthBytes: cut.lengthBytes, digest });
    return { kind: 'data', cut, digest, at: frameAt };
  });
}

/** Waits for all of them even when one fails: the buffer must not be used again while a read still fills it. */
async function allSettledOrThrow(reads: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(reads)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
