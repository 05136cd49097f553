import { damaged, truncated, valueOf } from '../failures';
import type { DiskFile } from '../file';
import type { Segment, SegmentMap } from '../mapped-reader';
import { roundUp } from '../vhdx/numbers';
import { bitRuns, setBits } from '../vhdx/sector-bitmap';
import { Bitmaps } from './bitmaps';
import type { BlockTable } from './block-table';
import { sectorBytes } from './layout';

export type Geometry = {
  readonly virtualSizeBytes: number;
  readonly blockSizeBytes: number;
  readonly blockCount: number;
  /** Length of the sector bitmap before the data of each block. */
  readonly bitmapBytes: number;
  readonly hasParent: boolean;
};

export function geometryOf(sizes: {
  readonly virtualSizeBytes: number;
  readonly blockSizeBytes: number;
  readonly hasParent: boolean;
}): Geometry {
  const { virtualSizeBytes, blockSizeBytes } = sizes;
  return {
    ...sizes,
    blockCount: Math.ceil(virtualSizeBytes / blockSizeBytes),
    bitmapBytes: roundUp(blockSizeBytes / sectorBytes / 8, sectorBytes),
  };
}

/** Bytes of a block that lie below the end of the disk. */
export const blockBytesUsed = (geometry: Geometry, block: number): number =>
  Math.min(geometry.blockSizeBytes, geometry.virtualSizeBytes - block * geometry.blockSizeBytes);

/** All of a fixed disk, from the start of its file. */
export class FixedMap implements SegmentMap {
  readonly geometry = { hasParent: false };

  ensure(): undefined {
    return undefined;
  }

  *segments(fromByte: number, toByte: number): Generator<Segment> {
    if (fromByte < toByte)
      yield { offsetBytes: fromByte, lengthBytes: toByte - fromByte, kind: 'data', fileOffsetBytes: fromByte };
  }
}

/**
 * Table and sector bitmaps of a disk that is not fixed: where each byte of it stands. Without a parent a block in its place is data as a
 * whole and the bitmap says nothing; with one, a clear bit means the parent.
 */
export class VhdBlockMap implements SegmentMap {
  readonly geometry: Geometry;
  readonly table: BlockTable;
  readonly bitmaps: Bitmaps;
  readonly #file: DiskFile;

  constructor(file: DiskFile, geometry: Geometry, table: BlockTable) {
    this.#file = file;
    this.geometry = geometry;
    this.table = table;
    this.bitmaps = new Bitmaps(file, geometry.bitmapBytes);
  }

  /** Where a block begins; undefined when it has no place. Throws `DiskError` for a place outside of the file. */
  place(block: number): number | undefined {
    const place = this.table.place(block);
    if (place === undefined) return undefined;
    const end = place + this.geometry.bitmapBytes + blockBytesUsed(this.geometry, block);
    if (end > this.#file.sizeBytes)
      valueOf(truncated(`${this.#file.path}: ends at byte ${this.#file.sizeBytes}; a block reaches to byte ${end}`));
    if (place === 0) valueOf(damaged(`${this.#file.path}: has block ${block} at its start`));
    return place;
  }

  ensure(fromByte: number, toByte: number): Promise<void> | undefined {
    return this.geometry.hasParent ? this.ensureBitmaps(fromByte, toByte) : undefined;
  }

  /** Reads the bitmaps of the blocks of a range into memory, whether reading needs them or not. */
  ensureBitmaps(fromByte: number, toByte: number): Promise<void> | undefined {
    const { blockSizeBytes } = this.geometry;
    const last = Math.floor((Math.max(toByte, fromByte + 1) - 1) / blockSizeBytes);
    for (let block = Math.floor(fromByte / blockSizeBytes); block <= last; block++) {
      const place = this.place(block);
      const loading = place === undefined ? undefined : this.bitmaps.ensure(place);
      if (loading !== undefined) return loading.then(() => this.ensureBitmaps(block * blockSizeBytes, toByte));
    }
    return undefined;
  }

  *segments(fromByte: number, toByte: number): Generator<Segment> {
    const { blockSizeBytes, bitmapBytes, hasParent } = this.geometry;
    for (let at = fromByte; at < toByte;) {
      const block = Math.floor(at / blockSizeBytes);
      const end = Math.min(toByte, (block + 1) * blockSizeBytes);
      const place = this.place(block);
      const base = (place ?? 0) + bitmapBytes + (at - block * blockSizeBytes);
      if (place !== undefined && hasParent) {
        yield* this.#bitSegments(block, at, end, place);
      } else {
        const kind = place !== undefined ? 'data' : hasParent ? 'parent' : 'zero';
        yield { offsetBytes: at, lengthBytes: end - at, kind, fileOffsetBytes: base };
      }
      at = end;
    }
  }

  /** A block gets a place. Its bitmap says what of it this file holds: nothing yet, or everything. */
  setPlace(block: number, place: number, held: 'none' | 'all'): void {
    this.bitmaps.make(place, held);
    this.table.set(block, place);
  }

  /** A block loses its place; answers which it was. */
  clearPlace(block: number): number | undefined {
    const place = this.place(block);
    if (place === undefined) return undefined;
    this.bitmaps.forget(place);
    this.table.set(block, undefined);
    return place;
  }

  /** Marks sectors of a block in its place as held by this file. */
  markHeld(block: number, fromByteInBlock: number, toByteInBlock: number): void {
    const place = this.place(block);
    if (place === undefined) throw new RangeError(`block ${block} has no place`);
    if (setBits(this.bitmaps.now(place), fromByteInBlock / sectorBytes, toByteInBlock / sectorBytes))
      this.bitmaps.markChanged(place);
  }

  *#bitSegments(block: number, from: number, to: number, place: number): Generator<Segment> {
    const { blockSizeBytes, bitmapBytes } = this.geometry;
    const start = block * blockSizeBytes;
    const firstBit = Math.floor((from - start) / sectorBytes);
    const lastBit = Math.ceil((to - start) / sectorBytes);
    for (const run of bitRuns(this.bitmaps.now(place), firstBit, lastBit)) {
      const offsetBytes = Math.max(from, start + run.first * sectorBytes);
      const end = Math.min(to, start + (run.first + run.count) * sectorBytes);
      const fileOffsetBytes = place + bitmapBytes + (offsetBytes - start);
      yield { offsetBytes, lengthBytes: end - offsetBytes, kind: run.isSet ? 'data' : 'parent', fileOffsetBytes };
    }
  }
}
