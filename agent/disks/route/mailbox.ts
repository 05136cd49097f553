import type { Clock } from '../../clock';

/** Hands values from who receives them to who waits for them, at most one at a time. */
export class Mailbox<T> {
  readonly #waiting: { value?: T; wake?: () => void } = {};

  /** Answers whether there was room: a second value before the first was taken is one too many. */
  put(value: T): boolean {
    if (this.#waiting.value !== undefined) return false;
    this.#waiting.value = value;
    this.#waiting.wake?.();
    return true;
  }

  /** The next value; undefined when none came in time or `signal` was aborted. */
  async take(msMax: number, clock: Clock, signal: AbortSignal): Promise<T | undefined> {
    if (this.#waiting.value === undefined) {
      const woken = new AbortController();
      this.#waiting.wake = () => woken.abort();
      await clock.sleep(msMax, AbortSignal.any([woken.signal, signal]));
    }
    const { value } = this.#waiting;
    delete this.#waiting.value;
    return value;
  }
}
