import type { DiskFile } from '../file';
import { damaged, truncated, valueOf } from '../failures';
import type { Segment, SegmentMap } from '../mapped-reader';
import {
  bitmapIndex,
  blockBytesUsed,
  blockMeaning,
  blockState,
  chunkOfBlock,
  entryBytes,
  entryHigh,
  entryLow,
  entryOffsetBytes,
  entryState,
  payloadIndex,
  type BlockMeaning,
  type BlockState,
  type Geometry,
} from './bat';
import { headerAreaLength, sectorBitmapBytes } from './layout';
import { bitRuns, setBits } from './sector-bitmap';
import { mib, type Span } from './numbers';
import { pageBytes, TablePages, type TableBatch, type TableSector } from './table-pages';

export type Block = { readonly meaning: BlockMeaning; readonly fileOffsetBytes: number };

/** Changes of the tables on their way to the file. */
export type TakenChanges = {
  readonly bitmaps: TableBatch;
  readonly entries: TableBatch;
  /** The single entries that place new sector bitmaps; they are among `entries` as well. */
  readonly newBitmapEntries: readonly TableSector[];
};

/** Tables up to this length stay in memory whole and are checked whole on opening: 64 TiB in blocks of 32 MiB, with their bitmap entries. */
export const wholeTableBytesMax = 17 * mib;
const bitmapCacheBytes = 8 * mib;
const entriesPerPage = pageBytes / entryBytes;

/** Block allocation table and sector bitmaps of one image: where each byte of the disk stands, as of now. */
export class BlockMap implements SegmentMap {
  readonly geometry: Geometry;
  readonly table: Span;
  readonly #file: DiskFile;
  readonly #entries: TablePages;
  readonly #bitmaps: TablePages;
  #newBitmaps: number[] = [];

  constructor(file: DiskFile, geometry: Geometry, table: Span) {
    this.geometry = geometry;
    this.table = table;
    this.#file = file;
    this.#entries = new TablePages(file, wholeTableBytesMax);
    this.#bitmaps = new TablePages(file, bitmapCacheBytes);
  }

  get changedPages(): number {
    return this.#entries.changedPages + this.#bitmaps.changedPages;
  }

  /** Reads what the tables say of a range into memory; undefined when it is there. Throws `DiskError`. */
  ensure(fromByte: number, toByte: number): Promise<void> | undefined {
    const { blockSizeBytes, hasParent } = this.geometry;
    const first = Math.floor(fromByte / blockSizeBytes);
    const last = Math.floor((Math.max(toByte, fromByte + 1) - 1) / blockSizeBytes);
    const entries = this.ensureEntries(fromByte, toByte);
    if (!hasParent) return entries;
    return entries === undefined
      ? this.#ensureBitmaps(first, last)
      : entries.then(() => this.#ensureBitmaps(first, last));
  }

  /** The same for the block allocation table alone. */
  ensureEntries(fromByte: number, toByte: number): Promise<void> | undefined {
    const { blockSizeBytes } = this.geometry;
    const first = Math.floor(fromByte / blockSizeBytes);
    const last = Math.floor((Math.max(toByte, fromByte + 1) - 1) / blockSizeBytes);
    return this.#entries.ensure(this.#entryPlace(first), this.#entryPlace(last) + entryBytes);
  }

  /** The next block that may differ from this one: the one behind it, or the first one past an empty page of the table. */
  nextBlock(block: number): number {
    const place = this.#entryPlace(block);
    const page = this.#entries.now(place);
    if (!page.isZero) return block + 1;
    const entriesLeft = entriesPerPage - (place - page.offsetBytes) / entryBytes;
    const bitmapsAmong = Math.ceil(entriesLeft / (this.geometry.chunkRatio + 1));
    return block + Math.max(1, entriesLeft - bitmapsAmong);
  }

  block(block: number): Block {
    const place = this.#entryPlace(block);
    const page = this.#entries.now(place);
    const low = page.bytes.readUInt32LE(place - page.offsetBytes);
    const meaning = blockMeaning(entryState(low), this.geometry);
    if (meaning === undefined)
      return valueOf(damaged(`${this.#file.path}: has block ${block} in state ${entryState(low)}, which is reserved`));
    if (meaning === 'parent' || meaning === 'zero') return { meaning, fileOffsetBytes: 0 };
    const offsetBytes = entryOffsetBytes(low, page.bytes.readUInt32LE(place - page.offsetBytes + 4));
    this.#assertPlace('a block', offsetBytes, blockBytesUsed(this.geometry, block));
    return { meaning, fileOffsetBytes: offsetBytes };
  }

  setBlock(block: number, state: BlockState, fileOffsetBytes: number): void {
    this.#setEntry(payloadIndex(this.geometry, block), state, fileOffsetBytes);
  }

  /** Where the sector bitmap of a chunk stands; undefined when the chunk has none. */
  bitmapPlace(chunk: number): number | undefined {
    const place = this.table.offsetBytes + bitmapIndex(this.geometry, chunk) * entryBytes;
    const page = this.#entries.now(place);
    const low = page.bytes.readUInt32LE(place - page.offsetBytes);
    const state = entryState(low);
    if (state === blockState.notPresent) return undefined;
    if (state !== blockState.fullyPresent)
      return valueOf(damaged(`${this.#file.path}: has the sector bitmap ${chunk} in state ${state}`));
    const offsetBytes = entryOffsetBytes(low, page.bytes.readUInt32LE(place - page.offsetBytes + 4));
    this.#assertPlace('a sector bitmap', offsetBytes, sectorBitmapBytes);
    return offsetBytes;
  }

  setBitmapPlace(chunk: number, fileOffsetBytes: number): void {
    this.#setEntry(bitmapIndex(this.geometry, chunk), blockState.fullyPresent, fileOffsetBytes);
    this.#newBitmaps.push(chunk);
  }

  /** Marks a range inside one partially present block as held by this file. */
  markHeld(block: number, fromByteInBlock: number, toByteInBlock: number): void {
    const { bytes, place } = this.#bitsOf(block);
    const { sectorBytes } = this.geometry;
    if (setBits(bytes, fromByteInBlock / sectorBytes, toByteInBlock / sectorBytes))
      this.#bitmaps.changed(this.#bitmaps.now(place), place, bytes.length);
  }

  /** Marks a whole block as not held, before it becomes partially present. */
  clearHeld(block: number): void {
    const { bytes, place } = this.#bitsOf(block);
    if (bytes.every((byte) => byte === 0)) return;
    bytes.fill(0);
    this.#bitmaps.changed(this.#bitmaps.now(place), place, bytes.length);
  }

  /** What a range of the disk is made of, in order and without gaps. Throws `DiskError` where the tables are damaged. */
  *segments(fromByte: number, toByte: number): Generator<Segment> {
    const { blockSizeBytes } = this.geometry;
    for (let at = fromByte; at < toByte;) {
      const block = Math.floor(at / blockSizeBytes);
      const end = Math.min(toByte, this.nextBlock(block) * blockSizeBytes);
      const { meaning, fileOffsetBytes } = this.block(block);
      const base = fileOffsetBytes + (at - block * blockSizeBytes);
      if (meaning === 'partial') {
        yield* this.#partialSegments(block, at, end, fileOffsetBytes);
      } else {
        const kind = meaning === 'full' ? 'data' : meaning;
        yield { offsetBytes: at, lengthBytes: end - at, kind, fileOffsetBytes: base };
      }
      at = end;
    }
  }

  /** What changed since it was last taken. */
  takeChanges(): TakenChanges {
    const newBitmapEntries = this.#newBitmaps.map((chunk) => {
      const index = bitmapIndex(this.geometry, chunk);
      const place = this.table.offsetBytes + index * entryBytes;
      const page = this.#entries.now(place);
      const within = place - page.offsetBytes;
      return { offsetBytes: place, bytes: Buffer.from(page.bytes.subarray(within, within + entryBytes)) };
    });
    this.#newBitmaps = [];
    return { bitmaps: this.#bitmaps.take(), entries: this.#entries.take(), newBitmapEntries };
  }

  /** What was taken stands in the file. */
  settleChanges(taken: TakenChanges): void {
    this.#bitmaps.settle(taken.bitmaps);
    this.#entries.settle(taken.entries);
  }

  *#partialSegments(block: number, from: number, to: number, fileOffsetBytes: number): Generator<Segment> {
    const { sectorBytes, blockSizeBytes } = this.geometry;
    const start = block * blockSizeBytes;
    const firstBit = Math.floor((from - start) / sectorBytes);
    const lastBit = Math.ceil((to - start) / sectorBytes);
    const { bytes } = this.#bitsOf(block);
    for (const run of bitRuns(bytes, firstBit, lastBit)) {
      const offsetBytes = Math.max(from, start + run.first * sectorBytes);
      const end = Math.min(to, start + (run.first + run.count) * sectorBytes);
      const kind = run.isSet ? 'data' : 'parent';
      const place = fileOffsetBytes + (offsetBytes - start);
      yield { offsetBytes, lengthBytes: end - offsetBytes, kind, fileOffsetBytes: place };
    }
  }

  /** The bits of one block; they never cross a page, since 256 MiB in sectors of 512 bytes are 64 KiB of bits. */
  #bitsOf(block: number): { bytes: Buffer; place: number } {
    const { blockSizeBytes, sectorBytes, chunkRatio } = this.geometry;
    const bitmap = this.bitmapPlace(chunkOfBlock(this.geometry, block));
    if (bitmap === undefined)
      return valueOf(damaged(`${this.#file.path}: has block ${block} partially present without its sector bitmap`));
    const lengthBytes = blockSizeBytes / sectorBytes / 8;
    const place = bitmap + (block % chunkRatio) * lengthBytes;
    const page = this.#bitmaps.now(place);
    const within = place - page.offsetBytes;
    return { bytes: page.bytes.subarray(within, within + lengthBytes), place };
  }

  async #ensureBitmaps(firstBlock: number, lastBlock: number): Promise<void> {
    for (let block = firstBlock; block <= lastBlock; block++) {
      if (this.block(block).meaning !== 'partial') continue;
      const bitmap = this.bitmapPlace(chunkOfBlock(this.geometry, block));
      if (bitmap === undefined) continue;
      const lengthBytes = this.geometry.blockSizeBytes / this.geometry.sectorBytes / 8;
      const place = bitmap + (block % this.geometry.chunkRatio) * lengthBytes;
      await this.#bitmaps.ensure(place, place + lengthBytes);
    }
  }

  #entryPlace(block: number): number {
    return this.table.offsetBytes + payloadIndex(this.geometry, block) * entryBytes;
  }

  #setEntry(index: number, state: BlockState, fileOffsetBytes: number): void {
    const place = this.table.offsetBytes + index * entryBytes;
    const page = this.#entries.now(place);
    const within = place - page.offsetBytes;
    page.bytes.writeUInt32LE(entryLow(state, fileOffsetBytes), within);
    page.bytes.writeUInt32LE(entryHigh(fileOffsetBytes), within + 4);
    this.#entries.changed(page, place, entryBytes);
  }

  /** What lies past the end of the disk may be missing in the file: `neededBytes` is what does not. */
  #assertPlace(what: string, offsetBytes: number, neededBytes: number): void {
    if (offsetBytes < headerAreaLength)
      valueOf(damaged(`${this.#file.path}: has ${what} at byte ${offsetBytes}, inside its header`));
    const end = offsetBytes + neededBytes;
    if (end > this.#file.sizeBytes)
      valueOf(truncated(`${this.#file.path}: ends at byte ${this.#file.sizeBytes}; ${what} reaches to byte ${end}`));
  }
}
