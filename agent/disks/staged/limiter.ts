import { limitAt } from '../../../contracts/bandwidth';
import { TokenBucket } from '../route/token-bucket';
import type { StagedRequest } from './request';

/** Lets bytes through at the rate of the request and of the hour, in the order in which they ask. */
export class Limiter {
  readonly #bucket: TokenBucket;
  readonly #signal: AbortSignal;
  #turn: Promise<void> = Promise.resolve();

  constructor({ clock, signal, bandwidthBytesPerSecondMax: bytesPerSecondMax, bandwidthHours: hours }: StagedRequest) {
    this.#bucket = new TokenBucket((nowMs) => limitAt({ bytesPerSecondMax, hours }, nowMs), clock);
    this.#signal = signal;
  }

  /** Resolves when so many bytes may go, or as soon as the request is canceled. */
  take(bytes: number): Promise<void> {
    this.#turn = this.#turn.then(() => this.#bucket.take(bytes, this.#signal));
    return this.#turn;
  }
}
