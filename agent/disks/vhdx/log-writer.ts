import type { DiskFile } from '../file';
import { zeroGuid } from './guid';
import type { HeaderSlots } from './header-slots';
import { logSectorBytes } from './layout';
import { encodeLogEntry, sectorsPerEntryMax } from './log-entry';
import { mib, roundUp } from './numbers';
import type { TableSector } from './table-pages';
import { writeInPlace, type TableChanges, type TableWriter } from './table-writer';

/**
 * Changed tables go through the log (MS-VHDX 2.3): an entry becomes durable, then its sectors are written where they belong. The next
 * entry is written only after those are durable as well, so that a replay needs one entry, the last whole one. Two neighbouring entries
 * never share a byte of the ring: a torn one leaves the one before it as it was.
 */
export class LoggedTableWriter implements TableWriter {
  readonly #file: DiskFile;
  readonly #headers: HeaderSlots;
  readonly #logId: string;
  #atBytes = 0;
  #sequence = 1n;

  /** `logId`: new for every opening, so that entries left from an earlier one do not count. */
  constructor(file: DiskFile, headers: HeaderSlots, logId: string) {
    this.#file = file;
    this.#headers = headers;
    this.#logId = logId;
  }

  async write(changes: TableChanges): Promise<void> {
    let flushedBytes = await this.#flushAll();
    const sectors = [...changes.bitmaps, ...changes.entries];
    const { logLengthBytes } = this.#headers.header;
    const sectorsMax = Math.min(sectorsPerEntryMax, logLengthBytes / logSectorBytes / 2 - 1);
    if (sectors.length > sectorsMax && changes.newBitmapEntries.length > 0) {
      // Several entries are not replayed as one, so what the later ones rely on is made durable before the first.
      await writeInPlace(this.#file, changes.newBitmapEntries);
      flushedBytes = await this.#flushAll();
    }
    for (let from = 0; from < sectors.length; from += sectorsMax) {
      if (from > 0) flushedBytes = await this.#flushAll();
      const group = sectors.slice(from, from + sectorsMax);
      await this.#writeEntry(group, flushedBytes);
      await writeInPlace(this.#file, group);
    }
  }

  async finish(): Promise<void> {
    if (this.#headers.header.logId === zeroGuid) return;
    await this.#file.sync();
    await this.#headers.change({ logId: zeroGuid });
  }

  /** Answers a length that the file is known to have durably. */
  async #flushAll(): Promise<number> {
    const sizeBytes = this.#file.sizeBytes;
    await this.#file.sync();
    return sizeBytes;
  }

  async #writeEntry(sectors: readonly TableSector[], flushedBytes: number): Promise<void> {
    const entry = encodeLogEntry({
      logId: this.#logId,
      sequence: this.#sequence,
      tailBytes: this.#atBytes,
      fileBytes: { flushed: flushedBytes - (flushedBytes % mib), last: roundUp(flushedBytes, mib) },
      sectors,
    });
    const { logOffsetBytes, logLengthBytes } = this.#headers.header;
    const untilEnd = Math.min(entry.length, logLengthBytes - this.#atBytes);
    await this.#file.write(entry.subarray(0, untilEnd), logOffsetBytes + this.#atBytes);
    if (untilEnd < entry.length) await this.#file.write(entry.subarray(untilEnd), logOffsetBytes);
    await this.#file.sync();
    this.#atBytes = (this.#atBytes + entry.length) % logLengthBytes;
    this.#sequence++;
    // Only now: a header that names a log without a whole entry makes a damaged file.
    if (this.#headers.header.logId !== this.#logId) await this.#headers.change({ logId: this.#logId });
  }
}
