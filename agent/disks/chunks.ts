import type { Disk, Extent, ReadableImage } from './image';

/** The unit of digests; chunks begin at multiples of it, and only the last of a disk may be shorter. */
export const chunkBytes = 1024 * 1024;

/** BLAKE3 of the chunk at an offset. */
export type ChunkDigest = { readonly offsetBytes: number; readonly digest: Buffer };

/** Offsets of all chunks of a disk, ascending. */
export function* allChunks(disk: Pick<Disk, 'virtualSizeBytes'>): Generator<number> {
  for (let offset = 0; offset < disk.virtualSizeBytes; offset += chunkBytes) yield offset;
}

/** Offsets of the chunks that an image holds anything of, data or zeros, ascending and each once. */
export function* chunksTouchedBy(image: Pick<ReadableImage, 'extents'>): Generator<number> {
  for (const chunk of chunksOf(image.extents())) yield chunk;
}

/** Offsets of the chunks that ascending ranges touch, ascending and each once. */
export const chunksOfRanges = (ranges: readonly (readonly [number, number])[]): Generator<number> =>
  chunksOf(ranges.map(([offsetBytes, lengthBytes]) => ({ offsetBytes, lengthBytes })));

function* chunksOf(extents: Iterable<Pick<Extent, 'offsetBytes' | 'lengthBytes'>>): Generator<number> {
  let next = 0;
  for (const extent of extents) {
    const end = extent.offsetBytes + extent.lengthBytes;
    const first = extent.offsetBytes - (extent.offsetBytes % chunkBytes);
    for (let offset = Math.max(next, first); offset < end; offset += chunkBytes) {
      yield offset;
      next = offset + chunkBytes;
    }
  }
}
