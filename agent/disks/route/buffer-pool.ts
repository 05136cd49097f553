/** Shorter buffers are left to the runtime, whose own pool is better at them. */
const pooledBytesMin = 64 * 1024;

/**
 * Buffers of one size that are used again and again: a transfer makes gigabytes pass through a few of them. Counts what is in use, which
 * is what bounds the memory of a transfer.
 */
export class BufferPool {
  readonly #sizeBytes: number;
  readonly #free: ArrayBufferLike[] = [];
  #inUseBytes = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  get inUseBytes(): number {
    return this.#inUseBytes;
  }

  /** A buffer of exactly this length, at most the size of the pool's buffers. Its content is not cleared. */
  take(lengthBytes: number): Buffer {
    this.#inUseBytes += lengthBytes;
    if (lengthBytes < pooledBytesMin || lengthBytes > this.#sizeBytes) return Buffer.allocUnsafe(lengthBytes);
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#sizeBytes).buffer;
    return Buffer.from(memory, 0, lengthBytes);
  }

  /** Gives a buffer back; nobody may use it afterwards. */
  release(buffer: Buffer): void {
    this.#inUseBytes -= buffer.length;
    const isPooled = buffer.length >= pooledBytesMin && buffer.buffer.byteLength === this.#sizeBytes;
    if (isPooled) this.#free.push(buffer.buffer);
  }

  /** Does without a buffer that somebody may still write into. */
  drop(buffer: Buffer): void {
    this.#inUseBytes -= buffer.length;
  }
}
