import { resentBytesMax } from '../../../contracts/limits';
import type { StreamsWanted } from './limits';

/** What became of a connection that was lost, as far as its further streams are concerned. */
export type LostConnection = {
  /** Whether further streams were opened. */
  readonly hadFurther: boolean;
  /** Whether it ended by one of them. Of one that broke, the end of the connection may be heard first, so `false` is no proof. */
  readonly byFurther: boolean;
  /** Blocks that it brought. */
  readonly bytes: number;
};

/** So many connections with further streams that are lost soon, one after the other, are put down to those streams. */
const lostSoonMax = 3;
const aloneMax = 64;

/**
 * How many streams the next connection of a pull may have. A line that does not let further ones live is done with one connection; for a
 * while, since what is lost in a copy of hours need not have been their fault, and for longer each time that it was.
 */
export class StreamPlan {
  readonly #wanted: StreamsWanted;
  #lostSoon = 0;
  /** Connections that are to do without further streams. */
  #alone = 0;
  #aloneNext = 1;

  constructor(wanted: StreamsWanted) {
    this.#wanted = wanted;
  }

  get next(): StreamsWanted {
    return this.#alone > 0 ? { ...this.#wanted, max: 1 } : this.#wanted;
  }

  /** A connection was lost. One that never stood, or that little was left for, says nothing of further streams. */
  lost({ hadFurther, byFurther, bytes }: LostConnection): void {
    if (!hadFurther) {
      if (bytes > 0) this.#alone = Math.max(0, this.#alone - 1);
      return;
    }
    this.#lostSoon = bytes < resentBytesMax ? this.#lostSoon + 1 : 0;
    if (!byFurther && this.#lostSoon < lostSoonMax) return;
    this.#lostSoon = 0;
    this.#alone = this.#aloneNext;
    this.#aloneNext = Math.min(2 * this.#aloneNext, aloneMax);
  }
}
