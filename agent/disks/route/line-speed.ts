import type { Clock } from '../../clock';
import { Throughput } from './throughput';

/** On a line that carries no more in a second, what is sent at once is small. */
const slowBytesPerSecondMax = 1024 * 1024;
/** Less says nothing of a line. */
const measuredBytesMin = 128 * 1024;
/** The system takes a few mebibytes at once, however slow the line is: before so much, or so long a wait, nothing is known of it. */
const knownBytesMin = 8 * 1024 * 1024;
const knownMsMin = 1_000;

/**
 * Whether a line takes large records well. A record is of use when all of it has come: on a slow line a large one takes minutes, in which
 * nothing moves for whoever looks, and all of which is lost when the connection is. A line is slow until it has shown otherwise.
 */
export class LineSpeed {
  readonly #clock: Clock;
  readonly #carried = new Throughput();
  #isFast = false;
  #isKnown = false;
  #underWay = 0;
  #busySinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isFast(): boolean {
    return this.#isFast;
  }

  /** What it carries while there is something to carry, a limit of the transfer included; undefined while that is not known. */
  get bytesPerSecond(): number | undefined {
    this.#isKnown ||= this.#carried.bytes >= knownBytesMin || this.#carried.ms >= knownMsMin;
    return this.#isKnown ? this.#carried.bytesPerSecond : undefined;
  }

  /** Sends so many bytes, and measures how long that takes. */
  async measure(bytes: number, send: () => Promise<void>): Promise<void> {
    const beganMs = this.#clock.now();
    if (this.#underWay === 0) this.#busySinceMs = beganMs;
    this.#underWay += 1;
    await send();
    this.#underWay -= 1;
    const nowMs = this.#clock.now();
    this.#carried.add(bytes, nowMs - this.#busySinceMs);
    this.#busySinceMs = nowMs;
    if (bytes < measuredBytesMin) return;
    this.#isFast = (1000 * bytes) / Math.max(1, nowMs - beganMs) > slowBytesPerSecondMax;
  }
}
