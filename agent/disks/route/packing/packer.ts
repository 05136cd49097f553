import type { Clock } from '../../../clock';
import type { LineSpeed } from '../line-speed';
import { Throughput } from '../throughput';
import { pack } from './zstd';

/** Less is not worth the call. */
const packedBytesMin = 4 * 1024;
/** What does not shrink below this travels as it is. */
const packedPartMax = 0.9;
/** On a faster line nothing is even tried: at level 1 one core packs about half a gibibyte a second of what shrinks well. */
const triedLineBytesPerSecondMax = 512 * 1024 * 1024;
/** While packing does not pay, one block of so many is tried, since what comes next may be of another sort. */
const triedOneOf = 64;
/** How much the last block says of the next. */
const newestPart = 1 / 8;
/** Packing begins when the line would have to be so much faster for it not to pay, and ends when it does not: no swinging between the two. */
const clearlyPays = 0.7;

/**
 * Packs blocks of one connection while that pays: when what a block shrinks by saves the line more time than the packing costs. Both are
 * measured, the line on the way (`LineSpeed`), packing at each block that is tried.
 */
export class Packer {
  readonly #clock: Clock;
  readonly #line: Pick<LineSpeed, 'bytesPerSecond'>;
  readonly #speed = new Throughput();
  /** Packed bytes for a byte, of the last blocks; undefined before the first. */
  #part: number | undefined;
  #isPacking = false;
  #notTried = 0;

  constructor(line: Pick<LineSpeed, 'bytesPerSecond'>, clock: Clock) {
    this.#line = line;
    this.#clock = clock;
  }

  /** The packed bytes; undefined when they had better travel as they are. */
  pack(bytes: Uint8Array): Buffer | undefined {
    if (bytes.length < packedBytesMin || !this.#isTried()) return undefined;
    const beganMs = this.#clock.now();
    const packed = pack(bytes);
    this.#speed.add(bytes.length, this.#clock.now() - beganMs);
    const shrinks = packed.length <= packedPartMax * bytes.length;
    const part = shrinks ? packed.length / bytes.length : 1;
    this.#part = this.#part === undefined ? part : this.#part + newestPart * (part - this.#part);
    return shrinks ? packed : undefined;
  }

  #isTried(): boolean {
    const lineBytesPerSecond = this.#line.bytesPerSecond;
    if (lineBytesPerSecond === undefined || lineBytesPerSecond > triedLineBytesPerSecondMax) return false;
    if (this.#part === undefined) return true;
    // A byte takes 1/line unpacked, and part/line + 1/speed packed.
    const paysBelow = this.#speed.bytesPerSecond * (1 - this.#part);
    this.#isPacking = lineBytesPerSecond < (this.#isPacking ? 1 : clearlyPays) * paysBelow;
    if (this.#isPacking) return true;
    this.#notTried += 1;
    return this.#notTried % triedOneOf === 0;
  }
}
