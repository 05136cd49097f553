/** Blocks that this agent is putting: two operations that come to the same block at once put it once. */
export class BlocksUnderWay {
  readonly #puts = new Map<string, Promise<boolean>>();

  /**
   * Has `put` done for a block of a container, unless that is under way, in which case it waits for it. Answers whether this very call put
   * what was not there. When the put of another fails, this one is tried as if it had been alone.
   */
  async once(container: string, address: string, put: () => Promise<boolean>): Promise<boolean> {
    const key = `${container} ${address}`;
    for (;;) {
      const other = this.#puts.get(key);
      if (other === undefined) break;
      const outcome = await other.then(
        () => 'stored' as const,
        () => 'failed' as const,
      );
      if (outcome === 'stored') return false;
    }
    const own = put().finally(() => this.#puts.delete(key));
    this.#puts.set(key, own);
    return own;
  }
}
