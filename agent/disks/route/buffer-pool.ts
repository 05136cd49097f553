import { pageMemory } from '../page-memory';

/** A piece of memory out of which buffers are cut, one behind the other; used again from its beginning when all were given back. */
type Slab = { readonly memory: ArrayBufferLike; readonly fromBytes: number; cutBytes: number; buffers: number };

/**
 * Slabs that are cut out of one piece of page memory. A process should not have too many such pieces; but what they hold counts for the
 * collector whether it is used or not, and past some 64 MiB it comes again and again (docs/decisions/0019).
 */
const slabsTogether = 4;

/**
 * Buffers out of slabs of one size that are used again and again: a transfer makes gigabytes pass through a few of them, in large blocks
 * or in many small ones. Counts what is in use, which is what bounds the memory of a transfer.
 */
export class BufferPool {
  readonly #slabBytes: number;
  /** By memory, then by place in it. */
  readonly #slabs = new Map<ArrayBufferLike, Map<number, Slab>>();
  readonly #free: Slab[] = [];
  #last: { readonly memory: ArrayBufferLike; cutSlabs: number } | undefined;
  #current: Slab | undefined;
  #inUseBytes = 0;

  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes;
  }

  get inUseBytes(): number {
    return this.#inUseBytes;
  }

  /** How much memory it holds, in use or not. */
  get heldBytes(): number {
    let slabs = 0;
    for (const { size } of this.#slabs.values()) slabs += size;
    return slabs * this.#slabBytes;
  }

  /** A buffer of exactly this length, at most a slab. Its content is not cleared. */
  take(lengthBytes: number): Buffer {
    // Not even an empty buffer may stand at the end of a slab, where it would be taken for one of the next.
    if (this.#current === undefined || this.#current.cutBytes + Math.max(1, lengthBytes) > this.#slabBytes) {
      this.#current = this.#free.pop() ?? this.#makeSlab();
    }
    const slab = this.#current;
    const buffer = Buffer.from(slab.memory, slab.fromBytes + slab.cutBytes, lengthBytes);
    slab.cutBytes += lengthBytes;
    slab.buffers += 1;
    this.#inUseBytes += lengthBytes;
    return buffer;
  }

  /** Gives a buffer back; nobody may use it afterwards. */
  release(buffer: Buffer): void {
    this.#inUseBytes -= buffer.length;
    const slab = this.#slabs.get(buffer.buffer)?.get(this.#placeOf(buffer));
    if (slab === undefined) return;
    slab.buffers -= 1;
    if (slab.buffers > 0) return;
    slab.cutBytes = 0;
    if (slab !== this.#current) this.#free.push(slab);
  }

  #placeOf(buffer: Buffer): number {
    return Math.floor(buffer.byteOffset / this.#slabBytes);
  }

  #makeSlab(): Slab {
    if (this.#last === undefined || this.#last.cutSlabs === slabsTogether) {
      this.#last = { memory: pageMemory(slabsTogether * this.#slabBytes), cutSlabs: 0 };
      this.#slabs.set(this.#last.memory, new Map());
    }
    const place = this.#last.cutSlabs++;
    const slab = { memory: this.#last.memory, fromBytes: place * this.#slabBytes, cutBytes: 0, buffers: 0 };
    this.#slabs.get(slab.memory)?.set(place, slab);
    return slab;
  }
}
