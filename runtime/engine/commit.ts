import type { Store, StoreTx } from './store';

/** Makes a piece of work durable: what it returns is known only after the commit. */
export interface Committer {
  commit<T>(work: (tx: StoreTx) => T): Promise<T>;
}

/** One transaction a piece of work, at once. */
export class DirectCommitter implements Committer {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async commit<T>(work: (tx: StoreTx) => T): Promise<T> {
    return this.#store.transaction(work);
  }
}
