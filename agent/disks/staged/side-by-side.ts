import { describeThrown } from '../../../contracts/failure';

/** Runs so many pieces of work at once. After one has failed none is begun, and whoever asks is told of the first failure. */
export class SideBySide {
  readonly #most: number;
  readonly #running = new Set<Promise<void>>();
  #failure: Error | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  /** Waits for a place and begins the work there. Throws what another has failed with. */
  async begin(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#most) await Promise.race(this.#running);
    this.#throwFailure();
    const running = work()
      .catch((thrown: unknown) => {
        this.#failure ??= thrown instanceof Error ? thrown : new Error(describeThrown(thrown));
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits until all that was begun has ended, and throws the first failure. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
    this.#throwFailure();
  }

  /** Waits until all that was begun has ended, however it did. */
  async end(): Promise<void> {
    await Promise.all(this.#running);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
