/** Memory out of which buffers are cut, one behind the other; used again from its beginning when all of them were given back. */
type Slab = { readonly memory: ArrayBufferLike; cutBytes: number; buffers: number };

/**
 * Buffers out of slabs of one size that are used again and again: a transfer makes gigabytes pass through a few of them, in large blocks
 * or in many small ones. Counts what is in use, which is what bounds the memory of a transfer.
 */
export class BufferPool {
  readonly #slabBytes: number;
  readonly #slabs = new Map<ArrayBufferLike, Slab>();
  readonly #free: Slab[] = [];
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
    return this.#slabs.size * this.#slabBytes;
  }

  /** A buffer of exactly this length, at most a slab. Its content is not cleared. */
  take(lengthBytes: number): Buffer {
    if (this.#current === undefined || this.#current.cutBytes + lengthBytes > this.#slabBytes) {
      this.#current = this.#free.pop() ?? this.#makeSlab();
    }
    const slab = this.#current;
    const buffer = Buffer.from(slab.memory, slab.cutBytes, lengthBytes);
    slab.cutBytes += lengthBytes;
    slab.buffers += 1;
    this.#inUseBytes += lengthBytes;
    return buffer;
  }

  /** Gives a buffer back; nobody may use it afterwards. */
  release(buffer: Buffer): void {
    this.#inUseBytes -= buffer.length;
    const slab = this.#slabs.get(buffer.buffer);
    if (slab === undefined) return;
    slab.buffers -= 1;
    if (slab.buffers > 0) return;
    slab.cutBytes = 0;
    if (slab !== this.#current) this.#free.push(slab);
  }

  /** Does without a buffer that somebody may still write into, and so without its slab. */
  drop(buffer: Buffer): void {
    this.#inUseBytes -= buffer.length;
    if (this.#current?.memory === buffer.buffer) this.#current = undefined;
    this.#slabs.delete(buffer.buffer);
  }

  #makeSlab(): Slab {
    const slab = { memory: new ArrayBuffer(this.#slabBytes), cutBytes: 0, buffers: 0 };
    this.#slabs.set(slab.memory, slab);
    return slab;
  }
}
