import type { Work } from '../engine/instances';

/** Lets callers wait for instances to end without asking again and again. */
export class EndWatch {
  readonly #isEnded: (instanceId: string) => boolean;
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(isEnded: (instanceId: string) => boolean) {
    this.#isEnded = isEnded;
  }

  /** To be told what each commit left to do: the instances that it touched are among it. */
  note(work: readonly Work[]): void {
    if (this.#waiters.size === 0) return;
    for (const item of work) {
      if (item.kind !== 'instance' || !this.#waiters.has(item.instanceId) || !this.#isEnded(item.instanceId)) continue;
      for (const wake of this.#waiters.get(item.instanceId) ?? []) wake();
    }
  }

  /** Resolves when the instance has ended, at the latest after `msMax`. */
  async whenEnded(instanceId: string, msMax: number): Promise<void> {
    if (msMax <= 0 || this.#isEnded(instanceId)) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    const waiters = this.#waiters.get(instanceId) ?? new Set();
    this.#waiters.set(instanceId, waiters.add(wake));
    const late = setTimeout(wake, Math.min(msMax, 2 ** 31 - 1));
    await promise;
    clearTimeout(late);
    waiters.delete(wake);
    if (waiters.size === 0) this.#waiters.delete(instanceId);
  }
}
