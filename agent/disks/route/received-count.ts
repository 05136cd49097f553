import type { Journal } from './journal';
import type { Received } from './journal-records';

/**
 * Bytes received are noted in the journal this often when no watermark notes them. After a kill, so much may have come that nobody counted:
 * with the window it stays below what may be sent again.
 */
const receivedStepBytes = 8 * 1024 * 1024;

/** Counts what came in all attempts, and notes it now and then. */
export class ReceivedCount {
  readonly #journal: Pick<Journal, 'received'>;
  readonly #onFailure: (thrown: unknown) => void;
  #received: Received;
  #notedBytes: number;

  constructor(journal: Pick<Journal, 'content' | 'received'>, onFailure: (thrown: unknown) => void) {
    this.#journal = journal;
    this.#onFailure = onFailure;
    this.#received = journal.content.received;
    this.#notedBytes = this.#received.sentBytes;
  }

  get received(): Received {
    return this.#received;
  }

  /** What there is, for whoever notes it. */
  noted(): Received {
    this.#notedBytes = this.#received.sentBytes;
    return this.#received;
  }

  add({ sentBytes, savedBytes }: Received): void {
    const before = this.#received;
    this.#received = { sentBytes: before.sentBytes + sentBytes, savedBytes: before.savedBytes + savedBytes };
    if (this.#received.sentBytes - this.#notedBytes < receivedStepBytes) return;
    this.#journal.received(this.noted()).catch(this.#onFailure);
  }
}
