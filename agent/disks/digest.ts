import { blake3 } from '@napi-rs/blake-hash';
import { failureOf, type Outcome } from '../../contracts/failure';
import type { OperationProgress } from '../../contracts/operations';
import { inOrder } from '../in-order';
import { chunkBytes, type ChunkDigest } from './chunks';
import { chunksWithData } from './disk-segments';
import { DiskError, outcomeOf } from './failures';
import type { Disk, Extent, ReadableImage } from './image';
import { ChunkTree } from './merkle/chunk-tree';
import { chunkLengthAt, zeroChunk } from './merkle/nodes';

export type WorkProgress = Pick<OperationProgress, 'bytesDone' | 'bytesTotal'>;

/** Which chunks of a disk: all, or those at these offsets (ascending). */
export type ChunkScope = 'all' | Iterable<number>;

export type ReadingChunks = {
  readonly disk: Disk;
  readonly scope: ChunkScope;
  readonly signal: AbortSignal;
  readonly report: (progress: WorkProgress) => void;
};

export type DiskDigest = {
  /** 64 digits in hex. */
  readonly merkleRoot: string;
  /** What was read from files; chunks that no image holds are not read. */
  readonly bytesRead: number;
};

/**
 * Merkle root of what a guest reads of these chunks: of their BLAKE3 as leaves (merkle/chunk-tree.ts). A function of the content alone:
 * chunks that no image holds data of count as the zeros they are without being read.
 *
 * Failures: those of reading, and `CanceledByOperator` when the signal ends it.
 */
export function digestDisk(reading: ReadingChunks): Promise<Outcome<DiskDigest>> {
  return outcomeOf(async () => {
    const { disk, scope } = reading;
    const chunks = new ChunkDigests(reading);
    const tree = new ChunkTree(disk.virtualSizeBytes, scope === 'all' ? 'zeros' : 'unsaid');
    for await (const { offsetBytes, digest } of chunks.ascending()) tree.add(offsetBytes, digest);
    return { merkleRoot: tree.root(), bytesRead: chunks.bytesRead };
  });
}

/** Chunks that are read side by side, so that reading and hashing overlap. */
const chunksAtOnce = 8;

/** The digest of each chunk of a scope. Of all chunks, those are left out that no image holds data of: they read zero. */
export class ChunkDigests {
  readonly #reading: ReadingChunks;
  /** Buffers that no chunk is read into. */
  readonly #free: Buffer[] = [];
  #bytesRead = 0;

  constructor(reading: ReadingChunks) {
    this.#reading = reading;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Ascending. Throws `DiskError` as `digestDisk` says. */
  async *ascending(): AsyncGenerator<ChunkDigest> {
    const { disk, report } = this.#reading;
    const bytesTotal = disk.virtualSizeBytes;
    for await (const chunk of inOrder(this.#places(), chunksAtOnce, (place) => this.#digest(place))) {
      yield chunk;
      report({ bytesDone: Math.min(chunk.offsetBytes + chunkBytes, bytesTotal), bytesTotal });
    }
    report({ bytesDone: bytesTotal, bytesTotal });
  }

  *#places(): Generator<Place> {
    const { disk, scope } = this.#reading;
    if (scope === 'all') {
      for (const offsetBytes of chunksWithData(disk.images, chunkBytes)) yield { offsetBytes, isHeld: true };
      return;
    }
    const held = new HeldRanges(disk.images);
    for (const offsetBytes of scope)
      yield { offsetBytes, isHeld: held.holds(offsetBytes, offsetBytes + this.#lengthAt(offsetBytes)) };
  }

  async #digest({ offsetBytes, isHeld }: Place): Promise<ChunkDigest> {
    if (this.#reading.signal.aborted)
      throw new DiskError(failureOf('CanceledByOperator', { message: 'the digest of a disk was stopped' }));
    const lengthBytes = this.#lengthAt(offsetBytes);
    if (!isHeld) return { offsetBytes, digest: zeroChunk(lengthBytes) };
    const { disk } = this.#reading;
    const buffer = this.#free.pop() ?? Buffer.allocUnsafe(Math.min(chunkBytes, disk.virtualSizeBytes));
    const bytes = buffer.subarray(0, lengthBytes);
    await disk.read(bytes, offsetBytes);
    this.#bytesRead += lengthBytes;
    const digest = blake3(bytes);
    this.#free.push(buffer);
    return { offsetBytes, digest };
  }

  #lengthAt(offsetBytes: number): number {
    return Math.max(0, chunkLengthAt(this.#reading.disk.virtualSizeBytes, offsetBytes));
  }
}

type Place = { readonly offsetBytes: number; readonly isHeld: boolean };

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
