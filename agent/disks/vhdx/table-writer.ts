import type { DiskFile } from '../file';
import type { TableSector } from './table-pages';

/** Changes of sector bitmaps and of the block allocation table that belong to one flush. */
export type TableChanges = {
  readonly bitmaps: readonly TableSector[];
  /**
   * Entries that place new bitmaps, eight bytes each. A block that is partially present needs the entry of its bitmap, which stands in
   * another sector of the table: so these go before `entries`, alone, with nothing else that changed in their sectors.
   */
  readonly newBitmapEntries: readonly TableSector[];
  readonly entries: readonly TableSector[];
};

/** How changed tables get into the file. When `write` returns, data that was written before and these changes are durable. */
export interface TableWriter {
  write(changes: TableChanges): Promise<void>;
  /** After the last `write`: leaves a file that needs no replay. */
  finish(): Promise<void>;
}

/** Writes sectors where they belong, neighbours together. */
export async function writeInPlace(file: DiskFile, sectors: readonly TableSector[]): Promise<void> {
  let run: TableSector[] = [];
  const writeRun = async () => {
    const [first] = run;
    if (first !== undefined) await file.write(Buffer.concat(run.map((sector) => sector.bytes)), first.offsetBytes);
    run = [];
  };
  for (const sector of sectors) {
    const last = run.at(-1);
    const follows = last !== undefined && last.offsetBytes + last.bytes.length === sector.offsetBytes;
    if (!follows || run.length >= sectorsPerWriteMax) await writeRun();
    run.push(sector);
  }
  await writeRun();
}

const sectorsPerWriteMax = 256;

/**
 * Data first, then the bitmaps that speak of it, then the table that names it, each durable before the next begins. Entries are eight
 * bytes and never split by a sector, so that every moment in between shows old or new, and never a place whose data is not there.
 */
export class OrderedTableWriter implements TableWriter {
  readonly #file: DiskFile;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  async write(changes: TableChanges): Promise<void> {
    await this.#file.sync();
    for (const sectors of [[...changes.bitmaps, ...changes.newBitmapEntries], changes.entries]) {
      if (sectors.length === 0) continue;
      await writeInPlace(this.#file, sectors);
      await this.#file.sync();
    }
  }

  async finish(): Promise<void> {
    // Nothing is ever left to replay.
  }
}
