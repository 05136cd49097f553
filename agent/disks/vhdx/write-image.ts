import { DiskError } from '../failures';
import type { DiskFile } from '../file';
import type { Extent, ImageShape, WritableImage } from '../image';
import { assertInside, extentsOf, readHeld } from '../mapped-reader';
import { wholeTableBytesMax, type BlockMap } from './block-map';
import { isWholeBlock, type BlockPart, type BlockPlacer } from './block-placer';
import { Gate, Turns } from './gate';
import type { HeaderSlots } from './header-slots';
import { mib } from './numbers';
import type { Space } from './space';
import { pageBytes } from './table-pages';
import type { TableWriter } from './table-writer';

/** What a writer is made of; `open.ts` puts it together. */
export type WriterParts = {
  readonly file: DiskFile;
  readonly map: BlockMap;
  readonly space: Space;
  readonly blocks: BlockPlacer;
  readonly headers: HeaderSlots;
  readonly tables: TableWriter;
  readonly shape: ImageShape;
  readonly dataWriteId: 'new-at-first-write' | 'kept';
  readonly newGuid: () => string;
};

const zeros = Buffer.alloc(mib);
/** Changed table pages are held in memory until a flush; past this many a write flushes by itself. */
const changedPagesMax = wholeTableBytesMax / pageBytes / 2;
/** How many blocks `writeZeros` handles before others get their turn. */
const blocksAtOnce = 4096;

/**
 * A VHDX that is read and written. Data goes to its place at once; table changes stay in memory until `flush`, which makes the data
 * durable before anything in the file names it. Writes may run at the same time.
 */
export class VhdxWriter implements WritableImage {
  readonly path: string;
  readonly #parts: WriterParts;
  readonly #gate = new Gate();
  readonly #flushing = new Turns();
  #begun: Promise<void> | undefined;
  #readers = 0;
  #isUnflushed = false;
  #broken: DiskError | undefined;

  constructor(parts: WriterParts) {
    this.path = parts.file.path;
    this.#parts = parts;
  }

  get shape(): ImageShape {
    return { ...this.#parts.shape, dataWriteId: this.#parts.headers.header.dataWriteId };
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
    if (data.length === 0) return;
    await this.#changing(async () => {
      await this.#parts.map.ensure(offsetBytes, offsetBytes + data.length);
      await this.#writeInside(data, offsetBytes);
    });
  }

  async writeZeros(offsetBytes: number, lengthBytes: number): Promise<void> {
    this.#assertSectors(offsetBytes, lengthBytes);
    const { blockSizeBytes } = this.#parts.map.geometry;
    const end = offsetBytes + lengthBytes;
    const sliceBytes = blocksAtOnce * blockSizeBytes;
    for (let at = offsetBytes; at < end;) {
      const sliceEnd = Math.min(end, at - (at % blockSizeBytes) + sliceBytes);
      await this.#changing(() => this.#zeroInside(at, sliceEnd));
      at = sliceEnd;
    }
  }

  /** After a flush that failed, every later write and flush fails the same: the image has to be opened again. */
  flush(): Promise<void> {
    return this.#flushing.run(() => this.#flushNow());
  }

  /** Flushes and leaves a file that needs no replay; the file is closed even when that fails. */
  async close(): Promise<void> {
    const { file, tables } = this.#parts;
    try {
      if (this.#broken === undefined) {
        await this.flush();
        await tables.finish();
      }
    } finally {
      await file.close();
    }
  }

  get #size(): number {
    return this.#parts.shape.virtualSizeBytes;
  }

  async #changing(work: () => Promise<void>): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    await this.#gate.inside(async () => {
      this.#begun ??= this.#begin();
      await this.#begun;
      this.#isUnflushed = true;
      await work();
    });
    if (this.#parts.map.changedPages > changedPagesMax) await this.flush();
  }

  /** Before the first byte of the file changes, its ids do (MS-VHDX 2.2.2); a copy keeps that of its content. */
  async #begin(): Promise<void> {
    const { headers, newGuid, dataWriteId } = this.#parts;
    try {
      await headers.change({
        fileWriteId: newGuid(),
        ...(dataWriteId === 'new-at-first-write' && { dataWriteId: newGuid() }),
      });
    } catch (thrown) {
      this.#begun = undefined;
      throw thrown;
    }
  }

  async #writeInside(data: Uint8Array, offsetBytes: number): Promise<void> {
    const { map, file } = this.#parts;
    let run: { start: number; end: number; place: number } | undefined;
    for (const part of this.#partsOf(offsetBytes, offsetBytes + data.length)) {
      const { blockSizeBytes } = map.geometry;
      const start = part.block * blockSizeBytes + part.from - offsetBytes;
      const end = start + (part.to - part.from);
      const { meaning, fileOffsetBytes } = map.block(part.block);
      const place = fileOffsetBytes + part.from;
      if (meaning === 'full' && run !== undefined && run.place + (start - run.start) === place) {
        run.end = end;
        continue;
      }
      if (run !== undefined) await file.write(data.subarray(run.start, run.end), run.place);
      run = undefined;
      if (meaning === 'full') run = { start, end, place };
      else await this.#writePart(part, data.subarray(start, end));
    }
    if (run !== undefined) await file.write(data.subarray(run.start, run.end), run.place);
  }

  /** Writes inside one block, whatever its state. */
  async #writePart(part: BlockPart, bytes: Uint8Array): Promise<void> {
    const { map, file, blocks } = this.#parts;
    if ((await blocks.prepare(part, bytes)) === 'written') return;
    const { meaning, fileOffsetBytes } = map.block(part.block);
    await file.write(bytes, fileOffsetBytes + part.from);
    if (meaning === 'partial') map.markHeld(part.block, part.from, part.to);
  }

  async #zeroInside(fromByte: number, toByte: number): Promise<void> {
    const { map, blocks, shape } = this.#parts;
    await map.ensureEntries(fromByte, toByte);
    for (const part of this.#partsOf(fromByte, toByte)) {
      if (map.block(part.block).meaning === 'zero') continue;
      if (isWholeBlock(map.geometry, part) && shape.kind !== 'fixed') blocks.drop(part.block);
      else await this.#writeZerosPart(part);
    }
  }

  async #writeZerosPart(part: BlockPart): Promise<void> {
    for (let from = part.from; from < part.to; from += zeros.length) {
      const to = Math.min(part.to, from + zeros.length);
      await this.#writePart({ block: part.block, from, to }, zeros.subarray(0, to - from));
    }
  }

  async #flushNow(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    if (!this.#isUnflushed) return;
    const { map, space, tables } = this.#parts;
    const taken = await this.#gate.alone(() => {
      this.#isUnflushed = false;
      return { changes: map.takeChanges(), left: space.takeLeft() };
    });
    const { bitmaps, entries, newBitmapEntries } = taken.changes;
    try {
      await tables.write({ bitmaps: bitmaps.sectors, newBitmapEntries, entries: entries.sectors });
    } catch (thrown) {
      // Nobody knows what of the data the system dropped: only opening the file again tells what it holds.
      if (thrown instanceof DiskError) this.#broken = thrown;
      throw thrown;
    }
    map.settleChanges(taken.changes);
    // Somebody who began to read before may still be reading where a block used to be.
    if (this.#readers === 0) space.reuse(taken.left);
    else space.keepLeft(taken.left);
  }

  #assertSectors(offsetBytes: number, lengthBytes: number): void {
    assertInside(offsetBytes, lengthBytes, this.#size);
    const { sectorBytes } = this.#parts.map.geometry;
    if (offsetBytes % sectorBytes !== 0 || lengthBytes % sectorBytes !== 0)
      throw new RangeError(`${lengthBytes} bytes at ${offsetBytes} are not whole sectors of ${sectorBytes} bytes`);
  }

  *#partsOf(fromByte: number, toByte: number): Generator<BlockPart> {
    const { blockSizeBytes } = this.#parts.map.geometry;
    for (let at = fromByte; at < toByte;) {
      const block = Math.floor(at / blockSizeBytes);
      const end = Math.min(toByte, (block + 1) * blockSizeBytes);
      yield { block, from: at - block * blockSizeBytes, to: end - block * blockSizeBytes };
      at = end;
    }
  }
}
