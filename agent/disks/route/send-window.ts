import { Change } from './change';

/**
 * What was sent and is not durable at the destination yet. Its limit bounds what is sent again after a fault.
 */
export class SendWindow {
  readonly #limitBytes: number;
  readonly #pending: { readonly endBytes: number; readonly dataBytes: number }[] = [];
  #pendingBytes = 0;
  readonly #change = new Change();
  #durableBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  /** Data that was sent and is not durable. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Content before this offset is durable at the destination, as it says. */
  get durableBytes(): number {
    return this.#durableBytes;
  }

  /** Notes data up to `endBytes` of the content as sent. */
  sent(endBytes: number, dataBytes: number): void {
    this.#pending.push({ endBytes, dataBytes });
    this.#pendingBytes += dataBytes;
  }

  /** Notes what the destination says is durable. */
  durable(atBytes: number): void {
    this.#durableBytes = Math.max(this.#durableBytes, atBytes);
    for (let first = this.#pending[0]; first && first.endBytes <= atBytes; first = this.#pending[0]) {
      this.#pending.shift();
      this.#pendingBytes -= first.dataBytes;
    }
    this.#change.tell();
  }

  /** Resolves when so much more may be sent, or when `signal` is aborted. One caller at a time. */
  async room(dataBytes: number, signal: AbortSignal): Promise<void> {
    await this.#change.until(() => this.#pendingBytes + dataBytes <= this.#limitBytes, signal);
  }

  /** Resolves when the content is durable up to this offset, or when `signal` is aborted. One caller at a time. */
  async reached(atBytes: number, signal: AbortSignal): Promise<void> {
    await this.#change.until(() => this.#durableBytes >= atBytes, signal);
  }
}
