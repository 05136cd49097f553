/** Runs of equal bits, the least significant bit of each byte first (MS-VHDX 2.4). */
export type BitRun = { readonly first: number; readonly count: number; readonly isSet: boolean };

/** How many bits from `from` on, and below `to`, equal the bit at `from`. */
export function runLength(bytes: Buffer, from: number, to: number): number {
  const isSet = bitAt(bytes, from);
  const plain = isSet ? 0xff : 0;
  let at = from;
  while (at < to) {
    if ((at & 7) === 0 && bytes[at >>> 3] === plain) {
      at += 8;
    } else if (bitAt(bytes, at) === isSet) {
      at++;
    } else {
      break;
    }
  }
  return Math.min(at, to) - from;
}

export const bitAt = (bytes: Buffer, bit: number): boolean => (((bytes[bit >>> 3] ?? 0) >>> (bit & 7)) & 1) === 1;

/** The bits from `from` to below `to` as runs that alternate. */
export function* bitRuns(bytes: Buffer, from: number, to: number): Generator<BitRun> {
  for (let first = from; first < to;) {
    const count = runLength(bytes, first, to);
    yield { first, count, isSet: bitAt(bytes, first) };
    first += count;
  }
}

/** Sets the bits from `from` to below `to`; says whether any was clear. */
export function setBits(bytes: Buffer, from: number, to: number): boolean {
  let isChanged = false;
  for (let at = from; at < to;) {
    const index = at >>> 3;
    const before = bytes[index] ?? 0;
    const high = Math.min(8, to - (index << 3));
    const mask = (0xff << (at & 7)) & 0xff & (0xff >>> (8 - high));
    if ((before | mask) !== before) {
      bytes[index] = before | mask;
      isChanged = true;
    }
    at = (index + 1) << 3;
  }
  return isChanged;
}
