import type { Extent } from '../image';
import { dataFrameBytes } from '../route/limits';

/**
 * Groups cuts that go into one block: data within one aligned mebibyte of the disk. So a block depends on nothing but what stands in that
 * mebibyte, and a disk that differs from another in one of them shares all its other blocks. A cut of zeros stands alone.
 */
export function* chunksOf(cuts: Iterable<Extent>): Generator<readonly Extent[]> {
  let chunk: Extent[] = [];
  let place: number | undefined;
  for (const cut of cuts) {
    const at = cut.kind === 'data' ? Math.floor(cut.offsetBytes / dataFrameBytes) : undefined;
    if (chunk.length > 0 && (at === undefined || at !== place)) {
      yield chunk;
      chunk = [];
    }
    chunk.push(cut);
    place = at;
  }
  if (chunk.length > 0) yield chunk;
}
