import { largePieceBytes } from '../page-memory';
import { keepPiece, takePiece } from '../spare-memory';

/** A piece of memory out of which buffers are cut, one behind the other; used again from its beginning when all were given back. */
type Slab = { readonly memory: Buffer; cutBytes: number; buffers: number };
/** Memory that slabs are cut out of, each at its place. */
type Piece = { readonly memory: Buffer; readonly slabs: Slab[] };

/**
 * Slabs that are cut out of one piece of page memory, unless such a piece has to be longer. A process should not have too many pieces; but
 * what they hold counts for the collector whether it is used or not, and past some 64 MiB it comes again and again (docs/decisions/0019).
 */
const slabsTogether = 4;

/**
 * Buffers out of slabs of one size that are used again and again: a transfer makes gigabytes pass through a few of them, in large blocks
 * or in many small ones. Counts what is in use, which is what bounds the memory of a transfer.
 */
export class BufferPool {
  readonly #slabBytes: number;
  readonly #slabsTogether: number;
  readonly #pieces = new Map<ArrayBufferLike, Piece>();
  readonly #free: Slab[] = [];
  #last: Piece | undefined;
  #current: Slab | undefined;
  #inUseBytes = 0;

  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes;
    this.#slabsTogether = Math.max(slabsTogether, Math.ceil((largePieceBytes() ?? 0) / slabBytes));
  }

  get inUseBytes(): number {
    return this.#inUseBytes;
  }

  /** How much memory it holds, in use or not. */
  get heldBytes(): number {
    let slabs = 0;
    for (const piece of this.#pieces.values()) slabs += piece.slabs.length;
    return slabs * this.#slabBytes;
  }

  /** A buffer of exactly this length, at most a slab. Its content is not cleared. */
  take(lengthBytes: number): Buffer {
    // Not even an empty buffer may stand at the end of a slab, where it would be taken for one of the next.
    if (this.#current === undefined || this.#current.cutBytes + Math.max(1, lengthBytes) > this.#slabBytes) {
      this.#current = this.#free.pop() ?? this.#makeSlab();
    }
    const slab = this.#current;
    const buffer = slab.memory.subarray(slab.cutBytes, slab.cutBytes + lengthBytes);
    slab.cutBytes += lengthBytes;
    slab.buffers += 1;
    this.#inUseBytes += lengthBytes;
    return buffer;
  }

  /** Gives a buffer back; nobody may use it afterwards. */
  release(buffer: Buffer): void {
    this.#inUseBytes -= buffer.length;
    const slab = this.#slabOf(buffer);
    if (slab === undefined) return;
    slab.buffers -= 1;
    if (slab.buffers > 0) return;
    slab.cutBytes = 0;
    if (slab !== this.#current) this.#free.push(slab);
  }

  /** Leaves its memory to other pools, but for what somebody has a buffer of still. Nobody may take one afterwards. */
  close(): void {
    for (const { memory, slabs } of this.#pieces.values())
      if (slabs.every(({ buffers }) => buffers === 0)) keepPiece(memory);
    this.#pieces.clear();
    this.#free.length = 0;
    this.#current = this.#last = undefined;
  }

  #slabOf(buffer: Buffer): Slab | undefined {
    const piece = this.#pieces.get(buffer.buffer);
    if (piece === undefined) return undefined;
    return piece.slabs[Math.floor((buffer.byteOffset - piece.memory.byteOffset) / this.#slabBytes)];
  }

  #makeSlab(): Slab {
    if (this.#last === undefined || this.#last.slabs.length === this.#slabsTogether) {
      this.#last = { memory: takePiece(this.#slabsTogether * this.#slabBytes), slabs: [] };
      this.#pieces.set(this.#last.memory.buffer, this.#last);
    }
    const { memory, slabs } = this.#last;
    const at = slabs.length * this.#slabBytes;
    const slab = { memory: memory.subarray(at, at + this.#slabBytes), cutBytes: 0, buffers: 0 };
    slabs.push(slab);
    return slab;
  }
}
