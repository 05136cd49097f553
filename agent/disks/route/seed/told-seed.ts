import { Change } from '../change';
import { digestsByOffset, seedCellBytes, type ToldDigests } from './told-digests';

/** Parts of the seed that are asked for, or told and not passed yet: what bounds both the memory and the wait. */
const partsAhead = 4;

type Part = { readonly toBytes: number; readonly digests: ReadonlyMap<number, Buffer> };

/** What the source knows of the destination's seed around the place where it reads: it asks for it part by part. */
export class ToldSeed {
  readonly #sizeBytes: number;
  readonly #ask: (fromBytes: number) => void;
  readonly #parts: Part[] = [];
  #askedParts = 0;
  #toldToBytes = 0;
  readonly #change = new Change();

  /** Of content of this length. */
  constructor(sizeBytes: number, ask: (fromBytes: number) => void) {
    this.#sizeBytes = sizeBytes;
    this.#ask = ask;
  }

  /** Takes an answer; says why it is none. */
  take(told: ToldDigests): string | undefined {
    const { toBytes } = told;
    if (this.#askedParts === 0) return 'digests of a seed that nobody asked for';
    const isWhole = toBytes % seedCellBytes === 0 || toBytes === this.#sizeBytes;
    const isNext = toBytes > this.#toldToBytes || (toBytes === this.#toldToBytes && toBytes >= this.#sizeBytes);
    const digests = isWhole && isNext && toBytes <= this.#sizeBytes ? digestsByOffset(told) : undefined;
    if (digests === undefined) return 'digests of a seed that are out of order';
    this.#askedParts -= 1;
    this.#toldToBytes = toBytes;
    this.#parts.push({ toBytes, digests });
    this.#change.tell();
    return undefined;
  }

  /** Resolves when the seed is told up to `toBytes`, or `signal` is aborted; forgets what is before `fromBytes`. One caller, ascending. */
  async until(fromBytes: number, toBytes: number, signal: AbortSignal): Promise<void> {
    await this.#change.until(() => {
      while (this.#parts[0] !== undefined && this.#parts[0].toBytes <= fromBytes) this.#parts.shift();
      this.#askOn(fromBytes);
      return this.#toldToBytes >= Math.min(toBytes, this.#sizeBytes);
    }, signal);
  }

  /** Whether the seed has the bytes with this digest at this place. It is made only where the seed has anything. */
  has(offsetBytes: number, digest: () => Buffer): boolean {
    const part = this.#parts.find(({ digests }) => digests.has(offsetBytes));
    return part?.digests.get(offsetBytes)?.equals(digest()) === true;
  }

  #askOn(fromBytes: number): void {
    while (this.#parts.length + this.#askedParts < partsAhead && this.#toldToBytes < this.#sizeBytes) {
      this.#askedParts += 1;
      this.#ask(fromBytes);
    }
  }
}
