import type { DiskFile } from '../file';
import { blockBytesUsed, blockState, chunkOfBlock, type Geometry } from './bat';
import type { BlockMap } from './block-map';
import { Turns } from './gate';
import { sectorBitmapBytes } from './layout';
import { mib } from './numbers';
import type { Space } from './space';

/** A piece of a disk that lies inside one block. */
export type BlockPart = { readonly block: number; readonly from: number; readonly to: number };

export const isWholeBlock = (geometry: Geometry, part: BlockPart): boolean =>
  part.from === 0 && part.to === blockBytesUsed(geometry, part.block);

const zeros = Buffer.alloc(mib);

/** Gives blocks their place in the file before they are written, and takes it back. Changes of the tables are in memory only. */
export class BlockPlacer {
  readonly #file: DiskFile;
  readonly #map: BlockMap;
  readonly #space: Space;
  readonly #placing = new Turns();

  constructor(file: DiskFile, map: BlockMap, space: Space) {
    this.#file = file;
    this.#map = map;
    this.#space = space;
  }

  /**
   * Makes a block ready to take these bytes. `written`: they stand in the file already. That is so where the place may hold old bytes,
   * or the block showed its parent: then the table must not name the place before the bytes are there.
   */
  async prepare(part: BlockPart, bytes: Uint8Array): Promise<'ready' | 'written'> {
    const { meaning } = this.#map.block(part.block);
    if (meaning === 'full' || meaning === 'partial') return 'ready';
    return this.#placing.run(() => this.#place(part, bytes));
  }

  /** Makes a whole block read zero without a place in the file. */
  drop(block: number): void {
    const { hasParent, blockSizeBytes } = this.#map.geometry;
    const { meaning, fileOffsetBytes } = this.#map.block(block);
    this.#map.setBlock(block, hasParent ? blockState.zero : blockState.notPresent, 0);
    if (meaning === 'full' || meaning === 'partial') this.#space.leave(fileOffsetBytes, blockSizeBytes);
  }

  async #place(part: BlockPart, bytes: Uint8Array): Promise<'ready' | 'written'> {
    // Another write may have placed the block while this one waited for its turn.
    const { meaning } = this.#map.block(part.block);
    switch (meaning) {
      case 'full':
      case 'partial':
        return 'ready';
      case 'zero':
        return this.#placeFull(part, bytes, 'zero');
      case 'parent':
        if (isWholeBlock(this.#map.geometry, part)) return this.#placeFull(part, bytes, 'parent');
        await this.#placePartial(part.block);
        return 'ready';
    }
  }

  async #placeFull(part: BlockPart, bytes: Uint8Array, showed: 'zero' | 'parent'): Promise<'ready' | 'written'> {
    const { blockSizeBytes } = this.#map.geometry;
    const place = await this.#space.take(blockSizeBytes);
    if (place.content === 'fresh' && showed === 'zero') {
      this.#map.setBlock(part.block, blockState.fullyPresent, place.offsetBytes);
      return 'ready';
    }
    try {
      if (place.content === 'used') {
        await this.#fillZeros(place.offsetBytes, part.from);
        await this.#fillZeros(place.offsetBytes + part.to, blockSizeBytes - part.to);
      }
      await this.#file.write(bytes, place.offsetBytes + part.from);
    } catch (thrown) {
      this.#space.giveBack(place, blockSizeBytes);
      throw thrown;
    }
    this.#map.setBlock(part.block, blockState.fullyPresent, place.offsetBytes);
    return 'written';
  }

  /** Makes a block that shows its parent able to hold single sectors; so far it holds none. */
  async #placePartial(block: number): Promise<void> {
    const chunk = chunkOfBlock(this.#map.geometry, block);
    if (this.#map.bitmapPlace(chunk) === undefined) await this.#placeBitmap(chunk);
    this.#map.clearHeld(block);
    const place = await this.#space.take(this.#map.geometry.blockSizeBytes);
    this.#map.setBlock(block, blockState.partiallyPresent, place.offsetBytes);
  }

  async #placeBitmap(chunk: number): Promise<void> {
    const place = await this.#space.take(sectorBitmapBytes);
    try {
      if (place.content === 'used') await this.#fillZeros(place.offsetBytes, sectorBitmapBytes);
    } catch (thrown) {
      this.#space.giveBack(place, sectorBitmapBytes);
      throw thrown;
    }
    this.#map.setBitmapPlace(chunk, place.offsetBytes);
  }

  async #fillZeros(fileOffsetBytes: number, lengthBytes: number): Promise<void> {
    for (let done = 0; done < lengthBytes; done += zeros.length) {
      const piece = zeros.subarray(0, Math.min(zeros.length, lengthBytes - done));
      await this.#file.write(piece, fileOffsetBytes + done);
    }
  }
}
