import type { Extent } from '../image';
import { dataFrameBytes, zeroFrameBytesMax } from './limits';

/**
 * Cuts extents into what one frame carries. The cuts depend on the extents alone, never on where a transfer began, so that every attempt
 * makes the same frames and the digest of the sequence can go on after a break: data is cut at multiples of `dataFrameBytes`, zero at
 * multiples of `zeroFrameBytesMax`, both at the borders of extents. `fromBytes` is the end of a cut, or 0.
 */
export function* cutsOf(extents: Iterable<Extent>, fromBytes: number): Generator<Extent> {
  for (const { offsetBytes, lengthBytes, kind } of extents) {
    const stepBytes = kind === 'data' ? dataFrameBytes : zeroFrameBytesMax;
    const endBytes = offsetBytes + lengthBytes;
    for (let at = Math.max(offsetBytes, fromBytes); at < endBytes;) {
      const nextBytes = Math.min(endBytes, (Math.floor(at / stepBytes) + 1) * stepBytes);
      yield { offsetBytes: at, lengthBytes: nextBytes - at, kind };
      at = nextBytes;
    }
  }
}
