/** Runs what is given under one key one after the other, in the order of asking; other keys do not wait. */
export class KeyedLocks {
  private readonly tails = new Map<string, Promise<void>>();

  async with<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    this.tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    }
  }

  /** Ends when all that was asked for so far has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.tails.values());
  }
}
