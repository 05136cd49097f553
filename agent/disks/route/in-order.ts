/** A number so far ahead of what is missing says that something is wrong, not that a stream is slow. */
const aheadMax = 4096;

/** What comes over several streams, given on in the order of its numbers, which begin at 0. Keeps what came before its turn. */
export class InOrder<T> {
  readonly #waiting = new Map<number, T>();
  #next = 0;

  /** Whether this number did not come yet, and is not too far ahead. */
  mayCome(number: number): boolean {
    return number >= this.#next && number < this.#next + aheadMax && !this.#waiting.has(number);
  }

  /** The number that is missing: all before it came. */
  get next(): number {
    return this.#next;
  }

  /** How many wait for one before them. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes one that may come. `give` gets whatever has its turn now. */
  take(number: number, item: T, give: (item: T) => void): void {
    this.#waiting.set(number, item);
    for (;;) {
      const next = this.#waiting.get(this.#next);
      if (next === undefined) return;
      this.#waiting.delete(this.#next);
      this.#next += 1;
      give(next);
    }
  }

  /** Gives up what waits; `drop` gets each. */
  abandon(drop: (item: T) => void): void {
    for (const item of this.#waiting.values()) drop(item);
    this.#waiting.clear();
  }
}
