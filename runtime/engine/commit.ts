import type { Clock } from './clock';
import { StoreUnavailable, type Store, type StoreTx } from './store';

/** Makes a piece of work durable: what it returns is known only after the commit. */
export interface Committer {
  /** Rejects with `StoreUnavailable`, and nothing written, when the store takes no writes just now. */
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

type Job = {
  readonly run: (tx: StoreTx) => void;
  readonly done: () => void;
  readonly failed: (thrown: unknown) => void;
};

/** Gathers what comes in one turn of the event loop into one transaction, so that many share the wait for the disk. */
export class GroupCommitter implements Committer {
  readonly #store: Store;
  #jobs: Job[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  commit<T>(work: (tx: StoreTx) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let result: { readonly value: T } | undefined;
      this.#jobs.push({
        run: (tx) => (result = { value: work(tx) }),
        done: () => (result === undefined ? reject(new Error('committed without a result')) : resolve(result.value)),
        failed: reject,
      });
      if (this.#jobs.length === 1) setImmediate(() => this.flush());
    });
  }

  /** Commits what has gathered, now. */
  flush(): void {
    const jobs = this.#jobs;
    this.#jobs = [];
    if (jobs.length === 0) return;
    try {
      this.#together(jobs);
    } catch (thrown) {
      if (jobs.length === 1 || thrown instanceof StoreUnavailable) {
        for (const job of jobs) job.failed(thrown);
      } else {
        // One of them is at fault: the others must not suffer for it.
        for (const job of jobs) this.#single(job);
      }
    }
  }

  #together(jobs: readonly Job[]): void {
    this.#store.transaction((tx) => {
      for (const job of jobs) job.run(tx);
    });
    for (const job of jobs) job.done();
  }

  #single(job: Job): void {
    try {
      this.#together([job]);
    } catch (thrown) {
      job.failed(thrown);
    }
  }
}

/** How long to wait before a store that took no writes is tried again. */
const patienceMs = 1000;

/** Waits out a store that takes no writes: for work that has nobody to be refused to. */
export class PatientCommitter implements Committer {
  readonly #inner: Committer;
  readonly #clock: Clock;
  readonly #onWait: (reason: string) => void;

  constructor(inner: Committer, clock: Clock, onWait: (reason: string) => void) {
    this.#inner = inner;
    this.#clock = clock;
    this.#onWait = onWait;
  }

  async commit<T>(work: (tx: StoreTx) => T): Promise<T> {
    for (;;) {
      try {
        return await this.#inner.commit(work);
      } catch (thrown) {
        if (!(thrown instanceof StoreUnavailable)) throw thrown;
        this.#onWait(thrown.message);
        await new Promise<void>((resolve) => {
          this.#clock.schedule(this.#clock.now() + patienceMs, resolve);
        });
      }
    }
  }
}
