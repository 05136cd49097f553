/** How long a suspect waits for the others to finish before it runs beside them after all. */
const aloneWaitMsMax = 30_000;

/** Lets work through: any number at once, or one alone, which is how the one that kills workers is told from its neighbours. */
export class Gate {
  #inside = 0;
  #alone: Promise<unknown> | undefined;
  #whenEmpty: (() => void)[] = [];

  async pass<T>(isAlone: boolean, work: () => Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    if (!isAlone) return this.#run(work);
    const mine = Promise.withResolvers<undefined>();
    this.#alone = mine.promise;
    try {
      await this.#empty();
      return await this.#run(work);
    } finally {
      this.#alone = undefined;
      mine.resolve(undefined);
    }
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#inside += 1;
    try {
      return await work();
    } finally {
      this.#inside -= 1;
      if (this.#inside === 0) for (const waiter of this.#whenEmpty.splice(0)) waiter();
    }
  }

  /** Resolves when nothing is inside, or when that takes too long: work inside may be waiting for this very work. */
  async #empty(): Promise<void> {
    if (this.#inside === 0) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, aloneWaitMsMax);
      this.#whenEmpty.push(() => {
        clearTimeout(late);
        resolve();
      });
    });
  }
}
