import { damaged, valueOf } from '../failures';
import type { DiskFile } from '../file';
import type { Span } from '../vhdx/numbers';
import type { VhdBlockMap } from './block-map';
import type { Hole } from './slot-space';

export type Room = {
  readonly holes: readonly Hole[];
  /** From where on nothing names anything. */
  readonly endBytes: number;
  readonly blocksInPlace: number;
};

/**
 * Looks at every entry of the table: that its block lies in the file, and that nothing else does there. Answers what nobody uses up to
 * `endBytes` of the file. Throws `DiskError`.
 */
export function scanTable(file: DiskFile, map: VhdBlockMap, spans: readonly Span[], endBytes: number): Room {
  const { blockCount, bitmapBytes, blockSizeBytes } = map.geometry;
  const places = new Float64Array(blockCount);
  let count = 0;
  for (let block = 0; block < blockCount; block++) {
    const place = map.place(block);
    if (place !== undefined) places[count++] = place;
  }
  const sorted = places.subarray(0, count).sort();
  const fixed = [...spans].sort((a, b) => a.offsetBytes - b.offsetBytes);
  const holes: Hole[] = [];
  let end = 0;
  let nextFixed = 0;
  const add = (offsetBytes: number, lengthBytes: number) => {
    if (offsetBytes < end) valueOf(damaged(`${file.path}: has two things in one place, at byte ${offsetBytes}`));
    if (offsetBytes > end) holes.push({ offsetBytes: end, lengthBytes: offsetBytes - end });
    end = offsetBytes + lengthBytes;
  };
  for (let index = 0; index <= count; index++) {
    const place = index < count ? (sorted[index] ?? 0) : Number.POSITIVE_INFINITY;
    for (let span = fixed[nextFixed]; span !== undefined && span.offsetBytes <= place; span = fixed[++nextFixed])
      add(span.offsetBytes, span.lengthBytes);
    if (index < count) add(place, bitmapBytes + blockSizeBytes);
  }
  if (endBytes > end) holes.push({ offsetBytes: end, lengthBytes: endBytes - end });
  return { holes, endBytes: end, blocksInPlace: count };
}
