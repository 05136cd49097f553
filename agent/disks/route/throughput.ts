/** When so much was counted, what came before counts half. */
const spanMs = 2_000;
const spanBytes = 64 * 1024 * 1024;

/** Bytes a second of something that is not always busy, over what it did last. */
export class Throughput {
  #bytes = 0;
  #ms = 0;

  /** Counts bytes, and the time in which nothing but them was worked on. */
  add(bytes: number, ms: number): void {
    this.#bytes += bytes;
    this.#ms += Math.max(0, ms);
    if (this.#ms < spanMs && this.#bytes < spanBytes) return;
    this.#bytes /= 2;
    this.#ms /= 2;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get ms(): number {
    return this.#ms;
  }

  /** Infinite for what took no time. */
  get bytesPerSecond(): number {
    return (1000 * this.#bytes) / this.#ms;
  }
}
