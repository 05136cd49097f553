import type { Clock } from '../../clock';
import { InOrder } from './in-order';
import { windowBytesMax } from './limits';
import { freeAll, type Opener, type OpenedRecord } from './sealing';

/**
 * A source has no more data on its way than its window, which nobody but itself sees to; with what surrounds the data, that is what may have to
 * wait.
 */
export const waitingBytesMax = windowBytesMax + 16 * 1024 * 1024;

const bytesOf = ({ pieces }: OpenedRecord): number => pieces.reduce((sum, { length }) => sum + length, 0);

/** Content that comes to a destination in sealed records, over as many streams as there are: opened, and given on in its order. */
export class IncomingContent {
  readonly #opener: Opener;
  readonly #clock: Clock;
  readonly #give: (pieces: readonly Buffer[]) => void;
  readonly #records = new InOrder<OpenedRecord>();
  /** Of records that wait for one before them. */
  #waitingBytes = 0;
  /** The highest number that came over each stream. On each they ascend, so what every stream is past does not come any more. */
  readonly #lastOf: number[] = [];
  #movedAtMs: number;

  /** `give` gets the content of each record; its memory is taken back when it returns. */
  constructor(opener: Opener, clock: Clock, give: (pieces: readonly Buffer[]) => void) {
    this.#opener = opener;
    this.#clock = clock;
    this.#give = give;
    this.#movedAtMs = clock.now();
  }

  /** For how long what has come waits for a record that has not; 0 when nothing waits. */
  get stuckMs(): number {
    return this.#records.waiting === 0 ? 0 : this.#clock.now() - this.#movedAtMs;
  }

  /** Time passed in which nobody took anything: it is held against no stream. */
  goOn(): void {
    this.#movedAtMs = this.#clock.now();
  }

  /** One more stream: what takes the body of each of its sealed records, and answers why it cannot be taken. */
  stream(): (body: Buffer) => string | undefined {
    const stream = this.#lastOf.push(-1) - 1;
    return (body) => this.#take(body, stream);
  }

  #take(body: Buffer, stream: number): string | undefined {
    const mayCome = (number: number): boolean =>
      number > this.#lastOfStream(stream) && this.#records.mayCome(number) && this.#hasRoom(number, body.length);
    const opened = this.#opener.open(body, mayCome);
    if (opened === undefined) return 'a record that is not one of those that are to come';
    this.#lastOf[stream] = opened.number;
    if (this.#records.waiting === 0) this.goOn();
    this.#waitingBytes += bytesOf(opened);
    this.#records.take(opened.number, opened, (next) => {
      const { pieces } = next;
      this.#waitingBytes -= bytesOf(next);
      this.goOn();
      this.#give(pieces);
      freeAll(pieces);
    });
    const isLeftOut = this.#lastOf.every((last) => last > this.#records.next);
    return isLeftOut ? 'records of which one was left out' : undefined;
  }

  /** The one that everything waits for always has room. */
  #hasRoom(number: number, bodyBytes: number): boolean {
    return number === this.#records.next || this.#waitingBytes + bodyBytes <= waitingBytesMax;
  }

  #lastOfStream(stream: number): number {
    return this.#lastOf[stream] ?? -1;
  }

  abandon(): void {
    this.#records.abandon(({ pieces }) => freeAll(pieces));
  }
}
