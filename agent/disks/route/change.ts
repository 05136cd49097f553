/** Tells somebody who waits until something is as it should be that it has changed. One waits at a time. */
export class Change {
  #wake: (() => void) | undefined;

  /** It has changed. */
  tell(): void {
    this.#wake?.();
  }

  /** Resolves when it is as it should be, which is looked at now and after each change, or when `signal` is aborted. */
  async until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    while (!isSo() && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const wake = (): void => resolve(undefined);
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
      await promise;
      signal.removeEventListener('abort', wake);
    }
  }
}
