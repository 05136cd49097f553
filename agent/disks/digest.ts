import { Blake3Hasher, blake3 } from '@napi-rs/blake-hash';
import { failureOf, type Outcome } from '../../contracts/failure';
import type { OperationProgress } from '../../contracts/operations';
import { DiskError, outcomeOf } from './failures';
import type { Disk, Extent, ReadableImage } from './image';

/** The unit of digests; chunks begin at multiples of it, and only the last of a disk may be shorter. */
export const chunkBytes = 1024 * 1024;

export type WorkProgress = Pick<OperationProgress, 'bytesDone' | 'bytesTotal'>;

export type DiskDigest = {
  /** BLAKE3, 64 digits in hex. */
  readonly digest: string;
  readonly chunks: number;
  /** What was read from files; chunks that no image holds are not read. */
  readonly bytesRead: number;
};

/** Offsets of all chunks of a disk, ascending. */
export function* allChunks(disk: Pick<Disk, 'virtualSizeBytes'>): Generator<number> {
  for (let offset = 0; offset < disk.virtualSizeBytes; offset += chunkBytes) yield offset;
}

/** Offsets of the chunks that an image holds anything of, data or zeros, ascending and each once. */
export function* chunksTouchedBy(image: Pick<ReadableImage, 'extents'>): Generator<number> {
  for (const chunk of chunksOf(image.extents())) yield chunk;
}

/** Offsets of the chunks that ascending ranges touch, ascending and each once. */
export const chunksOfRanges = (ranges: readonly (readonly [number, number])[]): Generator<number> =>
  chunksOf(ranges.map(([offsetBytes, lengthBytes]) => ({ offsetBytes, lengthBytes })));

function* chunksOf(extents: Iterable<Pick<Extent, 'offsetBytes' | 'lengthBytes'>>): Generator<number> {
  let next = 0;
  for (const extent of extents) {
    const end = extent.offsetBytes + extent.lengthBytes;
    const first = extent.offsetBytes - (extent.offsetBytes % chunkBytes);
    for (let offset = Math.max(next, first); offset < end; offset += chunkBytes) {
      yield offset;
      next = offset + chunkBytes;
    }
  }
}

/**
 * Digest of what a guest reads of these chunks (ascending offsets): BLAKE3 over one record for each, its offset as unsigned 64-bit
 * little-endian followed by the BLAKE3 of its bytes. Chunks that no image holds data of count as the zeros they are without being read,
 * so that the result does not depend on what is allocated.
 *
 * Failures: those of reading, and `CanceledByOperator` when the signal ends it.
 */
export function digestDisk(
  disk: Disk,
  chunks: Iterable<number>,
  signal: AbortSignal,
  report: (progress: WorkProgress) => void,
): Promise<Outcome<DiskDigest>> {
  return outcomeOf(async () => {
    const digest = new ChunkDigest(disk, report);
    for (const batch of batches(chunks)) {
      if (signal.aborted)
        throw new DiskError(failureOf('CanceledByOperator', { message: 'the digest of a disk was stopped' }));
      await digest.add(batch);
    }
    return digest.end();
  });
}

/** Chunks whose reads are under way at a time, so that reading and hashing overlap. */
const chunksAtOnce = 8;
const recordBytes = 40;

function* batches(chunks: Iterable<number>): Generator<number[]> {
  let batch: number[] = [];
  for (const chunk of chunks) {
    batch.push(chunk);
    if (batch.length < chunksPerBatch) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const chunksPerBatch = 1024;

let zeroChunkDigest: Buffer | undefined;

/** Of a whole chunk of zeros. */
const zeroDigest = (): Buffer => (zeroChunkDigest ??= blake3(Buffer.alloc(chunkBytes)));

class ChunkDigest {
  readonly #disk: Disk;
  readonly #report: (progress: WorkProgress) => void;
  readonly #records = new Blake3Hasher();
  readonly #held: HeldRanges;
  /** One for each lane, made when there is something to read. */
  readonly #buffers: Buffer[] = [];
  #chunks = 0;
  #bytesRead = 0;
  #next = 0;

  constructor(disk: Disk, report: (progress: WorkProgress) => void) {
    this.#disk = disk;
    this.#report = report;
    this.#held = new HeldRanges(disk.images);
  }

  async add(offsets: readonly number[]): Promise<void> {
    const records = Buffer.alloc(offsets.length * recordBytes);
    const toRead: { offset: number; index: number }[] = [];
    for (const [index, offset] of offsets.entries()) {
      this.#assertNext(offset);
      records.writeBigUInt64LE(BigInt(offset), index * recordBytes);
      if (this.#held.holds(offset, offset + this.#length(offset))) toRead.push({ offset, index });
      else this.#zeroDigestOf(this.#length(offset)).copy(records, index * recordBytes + 8);
    }
    await this.#readAll(toRead, records);
    this.#records.update(records);
    this.#chunks += offsets.length;
    const bytesDone = Math.min(this.#next, this.#disk.virtualSizeBytes);
    this.#report({ bytesDone, bytesTotal: this.#disk.virtualSizeBytes });
  }

  end(): DiskDigest {
    return { digest: this.#records.digest('hex'), chunks: this.#chunks, bytesRead: this.#bytesRead };
  }

  /** Each buffer goes through the list with steps of its own; a chunk is hashed while the others are read. */
  async #readAll(toRead: readonly { offset: number; index: number }[], records: Buffer): Promise<void> {
    while (this.#buffers.length < Math.min(chunksAtOnce, toRead.length))
      this.#buffers.push(Buffer.allocUnsafe(Math.min(chunkBytes, this.#disk.virtualSizeBytes)));
    const lanes = this.#buffers.map(async (buffer, lane) => {
      for (let at = lane; at < toRead.length; at += chunksAtOnce) {
        const chunk = toRead[at];
        if (chunk === undefined) return;
        const bytes = buffer.subarray(0, this.#length(chunk.offset));
        await this.#disk.read(bytes, chunk.offset);
        this.#bytesRead += bytes.length;
        blake3(bytes).copy(records, chunk.index * recordBytes + 8);
      }
    });
    await settleAll(lanes);
  }

  #length(offset: number): number {
    return Math.min(chunkBytes, this.#disk.virtualSizeBytes - offset);
  }

  #zeroDigestOf(length: number): Buffer {
    return length === chunkBytes ? zeroDigest() : blake3(Buffer.alloc(length));
  }

  #assertNext(offset: number): void {
    if (offset % chunkBytes !== 0 || offset < this.#next || offset >= this.#disk.virtualSizeBytes)
      throw new RangeError(`chunk ${offset} is not the start of a chunk of the disk behind ${this.#next}`);
    this.#next = offset + chunkBytes;
  }
}

/** Waits for all, then throws what the first of them threw: no read may go on into a buffer that the caller gave up. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Whether any image of a chain holds data in a range; ranges are asked for in ascending order. */
class HeldRanges {
  readonly #cursors: { readonly extents: Iterator<Extent>; current: Extent | undefined }[];

  constructor(images: readonly ReadableImage[]) {
    this.#cursors = images.map((image) => {
      const extents = image.extents()[Symbol.iterator]();
      return { extents, current: nextData(extents) };
    });
  }

  holds(from: number, to: number): boolean {
    let isHeld = false;
    for (const cursor of this.#cursors) {
      while (cursor.current !== undefined && endOf(cursor.current) <= from) cursor.current = nextData(cursor.extents);
      if (cursor.current !== undefined && cursor.current.offsetBytes < to) isHeld = true;
    }
    return isHeld;
  }
}

const endOf = (extent: Extent): number => extent.offsetBytes + extent.lengthBytes;

function nextData(extents: Iterator<Extent>): Extent | undefined {
  for (let step = extents.next(); step.done !== true; step = extents.next())
    if (step.value.kind === 'data') return step.value;
  return undefined;
}
