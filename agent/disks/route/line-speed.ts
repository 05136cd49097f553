import type { Clock } from '../../clock';

/** On a line that carries no more in a second, what is sent at once is small. */
const slowBytesPerSecondMax = 1024 * 1024;
/** Less says nothing of a line. */
const measuredBytesMin = 128 * 1024;

/**
 * Whether a line takes large records well. A record is of use when all of it has come: on a slow line a large one takes minutes, in which
 * nothing moves for whoever looks, and all of which is lost when the connection is. A line is slow until it has shown otherwise.
 */
export class LineSpeed {
  readonly #clock: Clock;
  #isFast = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isFast(): boolean {
    return this.#isFast;
  }

  /** Sends so many bytes, and measures how long that takes. */
  async measure(bytes: number, send: () => Promise<void>): Promise<void> {
    const beganMs = this.#clock.now();
    await send();
    if (bytes < measuredBytesMin) return;
    this.#isFast = (1000 * bytes) / Math.max(1, this.#clock.now() - beganMs) > slowBytesPerSecondMax;
  }
}
