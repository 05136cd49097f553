import { describeThrown } from '../contracts/failure';
import type { Log } from './log';

/** What a start opened, in that order; closed in the other, each whatever becomes of the rest. */
export class Opened {
  readonly #closers: { readonly what: string; readonly close: () => unknown }[] = [];
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  add(what: string, close: () => unknown): void {
    this.#closers.push({ what, close });
  }

  async closeAll(): Promise<void> {
    for (const { what, close } of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (thrown) {
        this.#log.error('not closed cleanly', { what, reason: describeThrown(thrown) });
      }
    }
  }
}
