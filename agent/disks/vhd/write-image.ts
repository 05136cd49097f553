import { DiskError } from '../failures';
import type { DiskFile } from '../file';
import type { Extent, ImageShape, WritableImage } from '../image';
import { assertInside, extentsOf, readHeld } from '../mapped-reader';
import { Gate, Turns } from '../vhdx/gate';
import { mib } from '../vhdx/numbers';
import { blockBytesUsed, type VhdBlockMap } from './block-map';
import type { Footers } from './footers';
import { sectorBytes } from './layout';
import type { SlotSpace } from './slot-space';

/** What a writer is made of; `open.ts` puts it together. */
export type WriterParts = {
  readonly file: DiskFile;
  readonly map: VhdBlockMap;
  readonly space: SlotSpace;
  readonly footers: Footers;
  readonly shape: ImageShape;
  readonly dataWriteId: 'new-at-first-write' | 'kept';
  readonly newGuid: () => string;
  /** Up to where header, table and locators reach. */
  readonly headEndBytes: number;
};

type BlockPart = { readonly block: number; readonly from: number; readonly to: number };

const zeros = Buffer.alloc(mib);
/** Changed bitmaps are held in memory until a flush; past this a write flushes by itself. */
const changedBitmapBytesMax = 4 * mib;

/**
 * A dynamic or differencing VHD that is read and written. Data goes to its place at once; bitmaps and table stay in memory until `flush`.
 * The format has no log, so the order does its work: data, then the bitmaps that speak of it, then the table that names both, each durable
 * before the next begins. No sector of them is split by a power loss, so every moment shows old or new.
 */
export class VhdWriter implements WritableImage {
  readonly path: string;
  readonly #parts: WriterParts;
  readonly #gate = new Gate();
  readonly #flushing = new Turns();
  readonly #placing = new Turns();
  #begun: Promise<void> | undefined;
  #readers = 0;
  #isUnflushed = false;
  #broken: DiskError | undefined;

  constructor(parts: WriterParts) {
    this.path = parts.file.path;
    this.#parts = parts;
  }

  get shape(): ImageShape {
    const { uniqueId } = this.#parts.footers.footer;
    return { ...this.#parts.shape, virtualDiskId: uniqueId, dataWriteId: uniqueId };
  }

  get fileSizeBytes(): number {
    return this.#parts.file.sizeBytes;
  }

  extents(fromBytes = 0, toBytes = this.#size): Iterable<Extent> {
    return { [Symbol.iterator]: () => extentsOf(this.#parts.map, fromBytes, Math.min(toBytes, this.#size)) };
  }

  async read(target: Uint8Array, offsetBytes: number): Promise<void> {
    assertInside(offsetBytes, target.length, this.#size);
    this.#readers++;
    try {
      await readHeld(this.#parts.file, this.#parts.map, target, offsetBytes);
    } finally {
      this.#readers--;
    }
  }

  async write(data: Uint8Array, offsetBytes: number): Promise<void> {
    this.#assertSectors(offsetBytes, data.length);
    for (const part of this.#partsOf(offsetBytes, offsetBytes + data.length)) {
      const start = part.block * this.#blockSize + part.from - offsetBytes;
      await this.#changing(() => this.#writePart(part, data.subarray(start, start + part.to - part.from)));
    }
  }

  async writeZeros(offsetBytes: number, lengthBytes: number): Promise<void> {
    this.#assertSectors(offsetBytes, lengthBytes);
    for (const part of this.#partsOf(offsetBytes, offsetBytes + lengthBytes)) {
      if (this.#readsZeroWithoutPlace(part)) continue;
      await this.#changing(() => this.#zeroPart(part));
    }
  }

  /** After a flush that failed, every later write and flush fails the same: the image has to be opened again. */
  flush(): Promise<void> {
    return this.#flushing.run(() => this.#flushNow());
  }

  /** Flushes and ends the file behind its last block; the file is closed even when that fails. */
  async close(): Promise<void> {
    const { file, space } = this.#parts;
    try {
      if (this.#broken === undefined && this.#begun !== undefined) {
        await this.flush();
        await space.trim(this.#usedEndBytes());
      }
    } finally {
      await file.close();
    }
  }

  get #size(): number {
    return this.#parts.shape.virtualSizeBytes;
  }

  get #blockSize(): number {
    return this.#parts.map.geometry.blockSizeBytes;
  }

  /** Bitmap and data of a block. */
  get #slotBytes(): number {
    return this.#parts.map.geometry.bitmapBytes + this.#blockSize;
  }

  #usedEndBytes(): number {
    const { map, headEndBytes } = this.#parts;
    let end = headEndBytes;
    for (let block = 0; block < map.geometry.blockCount; block++) {
      const place = map.place(block);
      if (place !== undefined) end = Math.max(end, place + this.#slotBytes);
    }
    return end;
  }

  async #changing(work: () => Promise<void>): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    await this.#gate.inside(async () => {
      this.#begun ??= this.#begin();
      await this.#begun;
      this.#isUnflushed = true;
      await work();
    });
    if (this.#parts.map.bitmaps.changedBytes > changedBitmapBytesMax) await this.flush();
  }

  /** Before the first byte of the content changes, its id does; a copy keeps that of its content. */
  async #begin(): Promise<void> {
    const { footers, newGuid, dataWriteId } = this.#parts;
    if (dataWriteId === 'kept') return;
    try {
      await footers.change({ uniqueId: newGuid() });
    } catch (thrown) {
      this.#begun = undefined;
      throw thrown;
    }
  }

  async #writePart(part: BlockPart, bytes: Uint8Array): Promise<void> {
    const { map, file } = this.#parts;
    const loading = map.ensureBitmaps(part.block * this.#blockSize + part.from, part.block * this.#blockSize + part.to);
    if (loading !== undefined) await loading;
    if (map.place(part.block) === undefined) await this.#placing.run(() => this.#place(part.block));
    const place = map.place(part.block);
    if (place === undefined) throw new RangeError(`block ${part.block} lost its place while it was written`);
    await file.write(bytes, place + map.geometry.bitmapBytes + part.from);
    // Only now: a bit that is set before the bytes are there would show what stood in the place before.
    map.markHeld(part.block, part.from, part.to);
  }

  /** Gives a block a place in which it shows what it showed before: its parent, or zeros. */
  async #place(block: number): Promise<void> {
    const { map, space, file } = this.#parts;
    // Another write may have placed the block while this one waited for its turn.
    if (map.place(block) !== undefined) return;
    const { hasParent, bitmapBytes } = map.geometry;
    const slot = await space.take(this.#slotBytes);
    try {
      if (slot.content === 'used' && !hasParent)
        for (let done = 0; done < this.#blockSize; done += zeros.length)
          await file.write(
            zeros.subarray(0, Math.min(zeros.length, this.#blockSize - done)),
            slot.offsetBytes + bitmapBytes + done,
          );
    } catch (thrown) {
      space.giveBack(slot, this.#slotBytes);
      throw thrown;
    }
    map.setPlace(block, slot.offsetBytes, hasParent ? 'none' : 'all');
  }

  #readsZeroWithoutPlace({ block }: BlockPart): boolean {
    const { map } = this.#parts;
    return !map.geometry.hasParent && map.place(block) === undefined;
  }

  async #zeroPart(part: BlockPart): Promise<void> {
    const { map, space } = this.#parts;
    const isWhole = part.from === 0 && part.to === blockBytesUsed(map.geometry, part.block);
    if (isWhole && !map.geometry.hasParent) {
      const place = map.clearPlace(part.block);
      if (place !== undefined) space.leave(place, this.#slotBytes);
      return;
    }
    for (let from = part.from; from < part.to; from += zeros.length) {
      const to = Math.min(part.to, from + zeros.length);
      await this.#writePart({ block: part.block, from, to }, zeros.subarray(0, to - from));
    }
  }

  async #flushNow(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    if (!this.#isUnflushed) return;
    await this.#gate.alone(() => this.#flushAlone());
  }

  async #flushAlone(): Promise<void> {
    const { file, map, space } = this.#parts;
    const left = space.takeLeft();
    try {
      await file.sync();
      for (const pieces of [map.bitmaps.changes(), map.table.changes()]) {
        for (const { bytes, offsetBytes } of pieces) await file.write(bytes, offsetBytes);
        if (pieces.length > 0) await file.sync();
      }
    } catch (thrown) {
      // Nobody knows what of the data the system dropped: only opening the file again tells what it holds.
      if (thrown instanceof DiskError) this.#broken = thrown;
      throw thrown;
    }
    map.bitmaps.settle();
    map.table.settle();
    this.#isUnflushed = false;
    // Somebody who began to read before may still be reading where a block used to be.
    if (this.#readers === 0) space.reuse(left);
    else space.keepLeft(left);
  }

  #assertSectors(offsetBytes: number, lengthBytes: number): void {
    assertInside(offsetBytes, lengthBytes, this.#size);
    if (offsetBytes % sectorBytes !== 0 || lengthBytes % sectorBytes !== 0)
      throw new RangeError(`${lengthBytes} bytes at ${offsetBytes} are not whole sectors of ${sectorBytes} bytes`);
  }

  *#partsOf(fromByte: number, toByte: number): Generator<BlockPart> {
    for (let at = fromByte; at < toByte;) {
      const block = Math.floor(at / this.#blockSize);
      const end = Math.min(toByte, (block + 1) * this.#blockSize);
      yield { block, from: at - block * this.#blockSize, to: end - block * this.#blockSize };
      at = end;
    }
  }
}
