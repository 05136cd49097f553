import { z } from 'zod';

/** Offset and length in bytes. */
export type Range = readonly [offsetBytes: number, lengthBytes: number];

/** More than these are joined into fewer, with what lies between them. */
export const rangesMax = 65_536;

export const range = z.tuple([z.int().nonnegative(), z.int().positive()]);

/** Ascending ranges, clipped to the disk, and few enough: neighbours are joined over gaps that grow until they are. */
export function coalesced(ranges: readonly Range[], sizeBytes: number, most = rangesMax): Range[] {
  const clipped = ranges.flatMap(([offset, length]): Range[] =>
    offset < sizeBytes ? [[offset, Math.min(length, sizeBytes - offset)]] : [],
  );
  for (let gapBytes = 0; ; gapBytes = Math.max(gapBytes * 2, 64 * 1024)) {
    const joined = joinedOver(clipped, gapBytes);
    if (joined.length <= most) return joined;
  }
}

function joinedOver(ranges: readonly Range[], gapBytes: number): Range[] {
  const joined: [number, number][] = [];
  for (const [offset, length] of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && offset - (last[0] + last[1]) <= gapBytes)
      last[1] = Math.max(last[1], offset + length - last[0]);
    else joined.push([offset, length]);
  }
  return joined;
}
