import type { DiskFile } from '../file';
import { damaged, valueOf } from '../failures';
import type { BlockMap } from './block-map';
import { chunkOfBlock } from './bat';
import { sectorBitmapBytes } from './layout';
import { mib, roundUp, type Span } from './numbers';
import type { Room } from './space';

/** How many blocks are looked at between two waits for pages of the table. */
const blocksAtOnce = 8192;

/**
 * Looks at every entry of the table: its state, its place, that no two blocks share a byte of the file. Answers what of the file nobody
 * uses. Memory grows with the number of blocks that are there. Throws `DiskError`.
 */
export async function scanTables(file: DiskFile, map: BlockMap, fixedSpans: readonly Span[]): Promise<Room> {
  const places = new PlaceList();
  for (const span of [...fixedSpans].sort((a, b) => a.offsetBytes - b.offsetBytes))
    places.add(span.offsetBytes, span.lengthBytes);
  const { geometry } = map;
  let ensuredTo = 0;
  for (let block = 0; block < geometry.blockCount; block = map.nextBlock(block)) {
    if (block >= ensuredTo) {
      ensuredTo = Math.min(geometry.blockCount, block + blocksAtOnce);
      await map.ensureEntries(block * geometry.blockSizeBytes, ensuredTo * geometry.blockSizeBytes);
    }
    const { meaning, fileOffsetBytes } = map.block(block);
    if (meaning === 'full' || meaning === 'partial') places.add(fileOffsetBytes, geometry.blockSizeBytes);
    if (meaning === 'partial' && map.bitmapPlace(chunkOfBlock(geometry, block)) === undefined)
      valueOf(damaged(`${file.path}: has block ${block} partially present without its sector bitmap`));
  }
  for (let chunk = 0; geometry.hasParent && chunk < geometry.chunkCount; chunk++) {
    const bitmap = map.bitmapPlace(chunk);
    if (bitmap !== undefined) places.add(bitmap, sectorBitmapBytes);
  }
  return places.room(file, geometry.blockSizeBytes);
}

/** Places in whole mebibytes, packed into numbers so that millions of them sort fast. */
class PlaceList {
  #packed = new Float64Array(1024);
  #count = 0;
  #isSorted = true;
  #last = 0;

  /** Lengths are below 64 GiB, so that place and length in mebibytes share one exact number. */
  add(offsetBytes: number, lengthBytes: number): void {
    if (lengthBytes === 0) return;
    if (this.#count === this.#packed.length) {
      const grown = new Float64Array(2 * this.#count);
      grown.set(this.#packed);
      this.#packed = grown;
    }
    const packed = (offsetBytes / mib) * lengthUnits + Math.ceil(lengthBytes / mib);
    // As a rule blocks stand in the order in which they were written: then millions of them need no sorting.
    if (packed < this.#last) this.#isSorted = false;
    this.#last = packed;
    this.#packed[this.#count++] = packed;
  }

  /** The gaps between the places that a block fits into. Throws `DiskDamaged` where two places overlap. */
  room(file: DiskFile, blockSizeBytes: number): Room {
    const holes: { offsetBytes: number; lengthBytes: number }[] = [];
    const sorted = this.#packed.subarray(0, this.#count);
    if (!this.#isSorted) sorted.sort();
    const holeMin = blockSizeBytes / mib;
    let end = 0;
    for (let index = 0; index <= sorted.length; index++) {
      const packed = sorted[index] ?? Math.floor(file.sizeBytes / mib) * lengthUnits;
      const start = Math.floor(packed / lengthUnits);
      const isPlace = index < sorted.length;
      if (isPlace && start < end) valueOf(damaged(`${file.path}: has two blocks in one place, at byte ${start * mib}`));
      if (start - end >= holeMin) holes.push({ offsetBytes: end * mib, lengthBytes: (start - end) * mib });
      if (isPlace) end = start + (packed - start * lengthUnits);
    }
    return { holes, endBytes: Math.max(end * mib, roundUp(file.sizeBytes, mib)) };
  }
}

const lengthUnits = 65536;
