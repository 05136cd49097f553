import type { Clock } from '../../../clock';

/** Time is looked at in parts of at least so long. What comes at once, some mebibytes, is little beside what comes in that time. */
const partMs = 100;

export type Carried = { readonly bytes: number; readonly ms: number };

/**
 * What comes over the line in the time in which the line, and the disk behind it, is what a copy with a seed waits for: of parts of its time in
 * which no more was taken from the seed than came. The rest of its time goes by comparing, and says nothing of what comes without a seed.
 */
export class CarriedRate {
  readonly #clock: Pick<Clock, 'now'>;
  #carriedBytes = 0;
  #carriedMs = 0;
  #sinceMs: number | undefined;
  #cameBytes = 0;
  #takenBytes = 0;
  /** Whether the part before was such a one. What comes first after others was on its way in their time. */
  #goesOn = false;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** A new connection begins: what lies between was no time of the line. */
  restart(): void {
    this.#sinceMs = undefined;
    this.#cameBytes = this.#takenBytes = 0;
    this.#goesOn = false;
  }

  /** So much of the content came, and so much was taken from the seed, since the last time. */
  add(cameBytes: number, takenBytes: number): void {
    const nowMs = this.#clock.now();
    this.#sinceMs ??= nowMs;
    this.#cameBytes += cameBytes;
    this.#takenBytes += takenBytes;
    const ms = nowMs - this.#sinceMs;
    if (ms < partMs) return;
    const isOfLine = this.#cameBytes > 0 && this.#cameBytes >= this.#takenBytes;
    if (isOfLine && this.#goesOn) {
      this.#carriedBytes += this.#cameBytes;
      this.#carriedMs += ms;
    }
    this.#goesOn = isOfLine;
    this.#sinceMs = nowMs;
    this.#cameBytes = this.#takenBytes = 0;
  }

  /** Undefined where nothing tells. */
  get carried(): Carried | undefined {
    return this.#carriedMs === 0 ? undefined : { bytes: this.#carriedBytes, ms: Math.ceil(this.#carriedMs) };
  }
}
