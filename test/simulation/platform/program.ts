import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * A simulated program: an agent from its start to its end, the cloud's worker, or the world around them. Production code of several of
 * them runs in one Node process; which one is at work is carried by the asynchronous context, and one that died never goes on: nothing
 * that it waits for comes, and nothing that it asks for is done.
 */
export class Program {
  isAlive = true;
  readonly #onDeath: (() => void)[] = [];

  constructor(
    readonly name: string,
    /** Tells starts of the same program apart. */
    readonly number: number,
  ) {}

  /** `kill -9`. */
  kill(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    for (const action of this.#onDeath.splice(0)) action();
  }

  onDeath(action: () => void): void {
    this.#onDeath.push(action);
  }
}

/** What is no simulated program: the test itself, the network, the relay, storage. It never dies. */
export const outside = new Program('outside', 0);

const context = new AsyncLocalStorage<Program>();

export const currentProgram = (): Program => context.getStore() ?? outside;

export const runIn = <T>(program: Program, work: () => T): T => context.run(program, work);

/** What a dead program waits for. */
export const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
