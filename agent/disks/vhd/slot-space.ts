import type { DiskFile } from '../file';
import { failureOf } from '../../../contracts/failure';
import { DiskError } from '../failures';
import { mib, roundUp } from '../vhdx/numbers';
import type { Footers } from './footers';
import { dataAlignmentBytes, fileBytesMax, footerBytes, sectorBytes } from './layout';

/** A place for a block. `fresh` reads zero; `used` may hold anything. */
export type Slot = { readonly offsetBytes: number; readonly content: 'fresh' | 'used' };

export type Hole = { readonly offsetBytes: number; readonly lengthBytes: number };

/** The file grows by an eighth of itself, but by no more than this, so that the footer is moved seldom. */
const growBytesMax = 64 * mib;

/**
 * Where new blocks go: into holes, or behind everything, for which the footer moves up first, so that a file that was cut off ends with a
 * footer all the same. What a block leaves behind is given out again only when the table that no longer names it is durable.
 */
export class SlotSpace {
  readonly #file: DiskFile;
  readonly #footers: Footers;
  readonly #leadBytes: number;
  #holes: Hole[];
  #left: Hole[] = [];
  /** From here up to the footer the file reads zero and nobody uses it. */
  #freshBytes: number;

  /** `leadBytes`: length of the bitmap before the data, which is what is to be aligned. */
  constructor(file: DiskFile, footers: Footers, holes: readonly Hole[], leadBytes: number) {
    this.#file = file;
    this.#footers = footers;
    this.#leadBytes = leadBytes;
    this.#holes = [...holes];
    this.#freshBytes = footers.atBytes;
  }

  /** Not to be called twice at a time. Throws `DiskError`: `DiskFull`, `IoFailed`, or `RequestInvalid` past the end of the format. */
  async take(lengthBytes: number): Promise<Slot> {
    const inHole = this.#takeHole(lengthBytes);
    if (inHole !== undefined) return { offsetBytes: inHole, content: 'used' };
    const offsetBytes = this.#aligned(this.#freshBytes);
    const end = offsetBytes + lengthBytes;
    if (end > fileBytesMax) throw tooLarge(this.#file.path);
    if (end > this.#footers.atBytes) await this.#grow(end);
    this.#freshBytes = end;
    return { offsetBytes, content: 'fresh' };
  }

  leave(offsetBytes: number, lengthBytes: number): void {
    this.#left.push({ offsetBytes, lengthBytes });
  }

  /** A slot that was taken and is named by no table after all. */
  giveBack(slot: Slot, lengthBytes: number): void {
    this.#holes.push({ offsetBytes: slot.offsetBytes, lengthBytes });
  }

  /** Everything left so far, to be handed to `reuse` when the table of this moment is durable. */
  takeLeft(): readonly Hole[] {
    const left = this.#left;
    this.#left = [];
    return left;
  }

  keepLeft(left: readonly Hole[]): void {
    this.#left.push(...left);
  }

  reuse(left: readonly Hole[]): void {
    this.#holes.push(...left);
  }

  /** Ends the file behind what is used; nothing may be taken any more. */
  async trim(usedEndBytes: number): Promise<void> {
    const end = Math.min(roundUp(usedEndBytes, sectorBytes), this.#footers.atBytes);
    // A file that could not grow may be longer than its footer knows.
    if (end + footerBytes !== this.#file.sizeBytes) await this.#footers.moveDown(end);
  }

  async #grow(neededEndBytes: number): Promise<void> {
    const old = this.#footers.atBytes;
    const extra = Math.min(growBytesMax, Math.floor(neededEndBytes / 8));
    await this.#footers.moveUp(roundUp(neededEndBytes + extra, sectorBytes));
    // What was the footer is among the fresh now. Whatever names it is written after a flush, and so after this.
    await this.#file.write(Buffer.alloc(footerBytes), old);
  }

  #aligned(offsetBytes: number): number {
    return roundUp(offsetBytes + this.#leadBytes, dataAlignmentBytes) - this.#leadBytes;
  }

  #takeHole(lengthBytes: number): number | undefined {
    for (const [index, hole] of this.#holes.entries()) {
      const aligned = this.#aligned(hole.offsetBytes);
      const fits = aligned + lengthBytes <= hole.offsetBytes + hole.lengthBytes;
      const offsetBytes = fits ? aligned : hole.offsetBytes;
      const end = offsetBytes + lengthBytes;
      if (end > hole.offsetBytes + hole.lengthBytes) continue;
      const rest = { offsetBytes: end, lengthBytes: hole.offsetBytes + hole.lengthBytes - end };
      this.#holes.splice(index, 1, ...(rest.lengthBytes > 0 ? [rest] : []));
      return offsetBytes;
    }
    return undefined;
  }
}

function tooLarge(path: string): DiskError {
  const message = `${path}: a VHD cannot hold blocks behind 2 TiB of its file`;
  return new DiskError(failureOf('RequestInvalid', { message, effect: 'applied', remedy: 'Convert it to VHDX.' }));
}
