import type { DiskFile } from '../file';
import { roundUp } from '../vhdx/numbers';
import { entryBytes, sectorBytes, unusedEntry } from './layout';

/** A piece of a table as it shall stand in the file. */
export type Piece = { readonly offsetBytes: number; readonly bytes: Buffer };

/** The block allocation table, whole in memory: at most 17 MiB. */
export class BlockTable {
  readonly #offsetBytes: number;
  readonly #bytes: Buffer;
  readonly #changed = new Set<number>();

  constructor(offsetBytes: number, bytes: Buffer) {
    this.#offsetBytes = offsetBytes;
    this.#bytes = bytes;
  }

  static async read(file: DiskFile, offsetBytes: number, blockCount: number): Promise<BlockTable> {
    const bytes = Buffer.allocUnsafe(roundUp(blockCount * entryBytes, sectorBytes));
    await file.read(bytes, offsetBytes);
    return new BlockTable(offsetBytes, bytes);
  }

  /** Where a block begins, with its sector bitmap; undefined when it has no place. */
  place(block: number): number | undefined {
    const entry = this.#bytes.readUInt32BE(block * entryBytes);
    return entry === unusedEntry ? undefined : entry * sectorBytes;
  }

  set(block: number, place: number | undefined): void {
    this.#bytes.writeUInt32BE(place === undefined ? unusedEntry : place / sectorBytes, block * entryBytes);
    this.#changed.add(Math.floor((block * entryBytes) / sectorBytes));
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** The sectors of the table that are newer than the file, in the order of the file, neighbours joined. */
  changes(): Piece[] {
    const sectors = [...this.#changed].sort((a, b) => a - b);
    const pieces: Piece[] = [];
    for (let index = 0; index < sectors.length;) {
      const first = sectors[index] ?? 0;
      let count = 1;
      while (sectors[index + count] === first + count) count++;
      const bytes = this.#bytes.subarray(first * sectorBytes, (first + count) * sectorBytes);
      pieces.push({ offsetBytes: this.#offsetBytes + first * sectorBytes, bytes });
      index += count;
    }
    return pieces;
  }

  /** The changes stand in the file. */
  settle(): void {
    this.#changed.clear();
  }
}
