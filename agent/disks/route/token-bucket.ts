import type { Clock } from '../../clock';

/** At most this much is sent at once when the rate is limited, so that a low limit is a trickle and not bursts with silence between. */
export const pacedBytesMax = 64 * 1024;

/** Lets bytes through at a rate. What was not used for a quarter of a second is lost, so that a pause is not made up for by a burst. */
export class TokenBucket {
  readonly #bytesPerSecond: number;
  readonly #clock: Clock;
  readonly #burstBytes: number;
  #allowedBytes = 0;
  #atMs: number;

  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
    this.#burstBytes = Math.max(bytesPerSecond / 4, pacedBytesMax);
    this.#atMs = clock.now();
  }

  /** Resolves when these bytes may be sent, or as soon as `signal` is aborted. One caller at a time. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    this.#refill();
    this.#allowedBytes -= bytes;
    while (this.#allowedBytes < 0 && !signal.aborted) {
      await this.#clock.sleep(Math.ceil((-this.#allowedBytes / this.#bytesPerSecond) * 1000), signal);
      this.#refill();
    }
  }

  #refill(): void {
    const now = this.#clock.now();
    const sinceMs = Math.max(0, now - this.#atMs);
    this.#atMs = now;
    this.#allowedBytes = Math.min(this.#burstBytes, this.#allowedBytes + (sinceMs / 1000) * this.#bytesPerSecond);
  }
}
