import type { BufferPool } from './buffer-pool';

/** Data that goes to the disk with one write. */
export type Run = { readonly bytes: Buffer; readonly offsetBytes: number; readonly parts: readonly Buffer[] };

/**
 * Joins blocks that follow each other, on the disk and in the memory of their pool, until they are worth a write: two mebibytes cost
 * hardly more to hand over than a quarter of one. It copies nothing.
 */
export class WriteRun {
  #parts: Buffer[] = [];
  #offsetBytes = 0;
  #lengthBytes = 0;

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Whether these bytes could be added behind what is there. */
  add(bytes: Buffer, offsetBytes: number): boolean {
    const last = this.#parts.at(-1);
    if (last === undefined) this.#offsetBytes = offsetBytes;
    else if (offsetBytes !== this.#offsetBytes + this.#lengthBytes || !isRightBehind(last, bytes)) return false;
    this.#parts.push(bytes);
    this.#lengthBytes += bytes.length;
    return true;
  }

  /** What is there, and begins anew; undefined when there is nothing. */
  take(): Run | undefined {
    const [first] = this.#parts;
    if (first === undefined) return undefined;
    const bytes = Buffer.from(first.buffer, first.byteOffset, this.#lengthBytes);
    const run = { bytes, offsetBytes: this.#offsetBytes, parts: this.#parts };
    this.#parts = [];
    this.#lengthBytes = 0;
    return run;
  }
}

const isRightBehind = (one: Buffer, next: Buffer): boolean =>
  one.buffer === next.buffer && one.byteOffset + one.length === next.byteOffset;

/** Gives the memory of a run back. */
export function releaseRun({ parts }: Run, pool: BufferPool): void {
  for (const part of parts) pool.release(part);
}
