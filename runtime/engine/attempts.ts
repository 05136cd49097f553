/** Counts, for each piece of work, how often it has taken its worker down. */
export class Attempts {
  readonly #max: number;
  readonly #lost = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Work that was there twice when a worker died runs alone from then on, so that its neighbours are not blamed for it. */
  isSuspect(key: string): boolean {
    return (this.#lost.get(key) ?? 0) > 1;
  }

  /** Counts a lost worker; true when it was the last one allowed, and the work fails for good. */
  isPoison(key: string): boolean {
    const lost = (this.#lost.get(key) ?? 0) + 1;
    this.#lost.set(key, lost);
    return lost >= this.#max;
  }

  forget(key: string): void {
    this.#lost.delete(key);
  }

  /** The words for work that has taken down every worker it was given. */
  verdict(reason: string): string {
    return `it took its worker down ${this.#max} times: ${reason}`;
  }
}
