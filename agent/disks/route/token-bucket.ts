import type { Clock } from '../../clock';

/** At most this much is sent at once when the rate is limited, so that a low limit is a trickle and not bursts with silence between. */
export const pacedBytesMax = 64 * 1024;

/** The limit is looked up so often. */
const limitMs = 1000;

/**
 * Lets bytes through at a rate that may change with the time of day. What was not used for a quarter of a second is lost, so that a pause
 * is not made up for by a burst.
 */
export class TokenBucket {
  readonly #limitAt: (nowMs: number) => number | null;
  readonly #clock: Clock;
  #bytesPerSecond: number | null;
  #lookedAtMs: number;
  #allowedBytes = 0;
  #atMs: number;

  /** `limitAt` says bytes a second; null is no limit. */
  constructor(limitAt: (nowMs: number) => number | null, clock: Clock) {
    this.#limitAt = limitAt;
    this.#clock = clock;
    this.#atMs = clock.now();
    this.#lookedAtMs = this.#atMs;
    this.#bytesPerSecond = limitAt(this.#atMs);
  }

  /** Whether there is a limit now. */
  get isLimited(): boolean {
    return this.#limitNow() !== null;
  }

  /** Resolves when these bytes may be sent, or as soon as `signal` is aborted. One caller at a time. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    this.#refill();
    this.#allowedBytes -= bytes;
    for (;;) {
      const bytesPerSecond = this.#limitNow();
      if (bytesPerSecond === null || signal.aborted) return;
      if (this.#allowedBytes >= 0) return;
      const waitMs = Math.ceil((-this.#allowedBytes / bytesPerSecond) * 1000);
      await this.#clock.sleep(Math.min(waitMs, limitMs), signal);
      this.#refill();
    }
  }

  #refill(): void {
    const now = this.#clock.now();
    const sinceMs = Math.max(0, now - this.#atMs);
    this.#atMs = now;
    const bytesPerSecond = this.#limitNow();
    if (bytesPerSecond === null) {
      this.#allowedBytes = 0;
      return;
    }
    const burstBytes = Math.max(bytesPerSecond / 4, pacedBytesMax);
    this.#allowedBytes = Math.min(burstBytes, this.#allowedBytes + (sinceMs / 1000) * bytesPerSecond);
  }

  #limitNow(): number | null {
    const now = this.#clock.now();
    if (Math.abs(now - this.#lookedAtMs) >= limitMs) {
      this.#lookedAtMs = now;
      this.#bytesPerSecond = this.#limitAt(now);
    }
    return this.#bytesPerSecond;
  }
}
