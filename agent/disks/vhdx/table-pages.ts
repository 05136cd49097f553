import type { DiskFile } from '../file';
import { logSectorBytes } from './layout';
import { kib } from './numbers';

/** The unit in which tables are read; both the allocation table and sector bitmaps start at multiples of 1 MiB. */
export const pageBytes = 64 * kib;
const sectorsPerPage = pageBytes / logSectorBytes;
const zeroPage = Buffer.alloc(pageBytes);

export type TablePage = {
  readonly offsetBytes: number;
  readonly bytes: Buffer;
  /** Known to hold only zeros, so that a walk may skip it. */
  isZero: boolean;
  /** One bit for each 4 KiB sector that is newer than the file. */
  changed: number;
  /** How many batches that hold a copy of this page are on their way to the file. */
  leaving: number;
  used: boolean;
};

/** A piece of a table as it shall stand in the file, 4 KiB where nothing else is said. */
export type TableSector = { readonly offsetBytes: number; readonly bytes: Buffer };

/** Changed sectors that were taken for writing. Their pages stay in memory until the batch is settled. */
export type TableBatch = {
  readonly sectors: readonly TableSector[];
  readonly pages: readonly TablePage[];
};

/**
 * Pages of tables in memory, at most `bytesMax` of them beside those that are newer than the file. A table of half a gibibyte is
 * thus used a page at a time.
 */
export class TablePages {
  readonly #file: DiskFile;
  readonly #pagesMax: number;
  readonly #pages = new Map<number, TablePage>();
  readonly #loading = new Map<number, Promise<void>>();
  #last: TablePage | undefined;
  #changedPages = 0;

  constructor(file: DiskFile, bytesMax: number) {
    this.#file = file;
    this.#pagesMax = Math.max(2, Math.floor(bytesMax / pageBytes));
  }

  /** Pages that are newer than the file. They cannot leave memory, so their owner flushes when they grow many. */
  get changedPages(): number {
    return this.#changedPages;
  }

  /** The page that holds this byte of the file; read at once when it is not in memory. */
  now(fileOffset: number): TablePage {
    const offsetBytes = fileOffset - (fileOffset % pageBytes);
    if (this.#last?.offsetBytes === offsetBytes) return this.#last;
    const page = this.#pages.get(offsetBytes) ?? this.#loadNow(offsetBytes);
    page.used = true;
    this.#last = page;
    return page;
  }

  /** Reads the pages of a range into memory, without blocking; undefined when all are there. */
  ensure(fromByte: number, toByte: number): Promise<void> | undefined {
    for (let at = fromByte - (fromByte % pageBytes); at < toByte; at += pageBytes)
      if (!this.#pages.has(at)) return this.#ensureFrom(at, toByte);
    return undefined;
  }

  /** To be called after bytes of a page were changed. */
  changed(page: TablePage, fileOffset: number, lengthBytes: number): void {
    const first = Math.floor((fileOffset - page.offsetBytes) / logSectorBytes);
    const last = Math.floor((fileOffset - page.offsetBytes + lengthBytes - 1) / logSectorBytes);
    if (page.changed === 0) this.#changedPages++;
    for (let sector = first; sector <= last; sector++) page.changed |= 1 << sector;
    page.isZero = false;
  }

  /** Copies of all changed sectors in the order of the file. */
  take(): TableBatch {
    const pages = [...this.#pages.values()]
      .filter((page) => page.changed !== 0)
      .sort((a, b) => a.offsetBytes - b.offsetBytes);
    const sectors: TableSector[] = [];
    for (const page of pages) {
      for (let sector = 0; sector < sectorsPerPage; sector++) {
        if ((page.changed & (1 << sector)) === 0) continue;
        const at = sector * logSectorBytes;
        const bytes = Buffer.from(page.bytes.subarray(at, at + logSectorBytes));
        sectors.push({ offsetBytes: page.offsetBytes + at, bytes });
      }
      page.changed = 0;
      page.leaving++;
    }
    this.#changedPages = 0;
    return { sectors, pages };
  }

  /** A batch stands in the file. */
  settle(batch: TableBatch): void {
    for (const page of batch.pages) page.leaving--;
  }

  async #ensureFrom(fromByte: number, toByte: number): Promise<void> {
    for (let at = fromByte; at < toByte; at += pageBytes) while (!this.#pages.has(at)) await this.#load(at);
  }

  #load(offsetBytes: number): Promise<void> {
    const running = this.#loading.get(offsetBytes);
    if (running !== undefined) return running;
    const bytes = Buffer.allocUnsafe(pageBytes);
    const loading: Promise<void> = this.#file.read(bytes, offsetBytes).then(
      () => {
        // Read at once meanwhile, and perhaps changed and written since: what came first counts.
        if (this.#loading.get(offsetBytes) !== loading) return;
        this.#loading.delete(offsetBytes);
        this.#keep(offsetBytes, bytes);
      },
      (thrown: unknown) => {
        this.#loading.delete(offsetBytes);
        throw thrown;
      },
    );
    this.#loading.set(offsetBytes, loading);
    return loading;
  }

  #loadNow(offsetBytes: number): TablePage {
    const bytes = Buffer.allocUnsafe(pageBytes);
    this.#file.readNow(bytes, offsetBytes);
    this.#loading.delete(offsetBytes);
    return this.#keep(offsetBytes, bytes);
  }

  #keep(offsetBytes: number, bytes: Buffer): TablePage {
    if (this.#pages.size >= this.#pagesMax) this.#makeRoom();
    const page = { offsetBytes, bytes, isZero: bytes.equals(zeroPage), changed: 0, leaving: 0, used: true };
    this.#pages.set(offsetBytes, page);
    return page;
  }

  /** Second chance: in the order of arrival, the first page that was not used since the last look goes. */
  #makeRoom(): void {
    let looks = 2 * this.#pages.size;
    for (const [offsetBytes, page] of this.#pages) {
      if (looks-- === 0) return;
      const held = page.changed !== 0 || page.leaving !== 0;
      this.#pages.delete(offsetBytes);
      if (!held && !page.used) {
        if (this.#last === page) this.#last = undefined;
        return;
      }
      page.used = false;
      this.#pages.set(offsetBytes, page);
    }
  }
}
