import type { Extent, ReadableImage } from './image';

/** A run of a disk that one image of its chain decides about. What is in no segment no image holds, and it reads zero. */
export type DiskSegment = Extent & {
  /** Of the image in the chain, 0 for the base. */
  readonly imageIndex: number;
};

/** Who of a chain (base first) holds what, from `fromBytes` to `toBytes`: ascending, lazy, neighbours of one image and kind joined. */
export function* diskSegments(
  images: readonly ReadableImage[],
  fromBytes = 0,
  toBytes = images.at(-1)?.shape.virtualSizeBytes ?? 0,
): Generator<DiskSegment> {
  let pending: DiskSegment | undefined;
  for (const segment of segmentsFrom(images, images.length - 1, fromBytes, toBytes)) {
    const follows =
      pending?.imageIndex === segment.imageIndex &&
      pending.kind === segment.kind &&
      pending.offsetBytes + pending.lengthBytes === segment.offsetBytes;
    if (pending !== undefined && follows) {
      pending = { ...pending, lengthBytes: pending.lengthBytes + segment.lengthBytes };
      continue;
    }
    if (pending !== undefined) yield pending;
    pending = segment;
  }
  if (pending !== undefined) yield pending;
}

function* segmentsFrom(
  images: readonly ReadableImage[],
  imageIndex: number,
  fromBytes: number,
  toBytes: number,
): Generator<DiskSegment> {
  const image = images[imageIndex];
  if (image === undefined) return;
  const end = Math.min(toBytes, image.shape.virtualSizeBytes);
  let at = fromBytes;
  for (const extent of image.extents(fromBytes, end)) {
    if (extent.offsetBytes > at) yield* segmentsFrom(images, imageIndex - 1, at, extent.offsetBytes);
    yield { ...extent, imageIndex };
    at = extent.offsetBytes + extent.lengthBytes;
  }
  if (at < end) yield* segmentsFrom(images, imageIndex - 1, at, end);
}

/** Pieces of extents that end at multiples of a unit, so that most of them are whole. */
export function* piecesOf(extent: Extent, unitBytes: number): Generator<Extent> {
  const end = extent.offsetBytes + extent.lengthBytes;
  for (let at = extent.offsetBytes; at < end;) {
    const pieceEnd = Math.min(end, at - (at % unitBytes) + unitBytes);
    yield { offsetBytes: at, lengthBytes: pieceEnd - at, kind: extent.kind };
    at = pieceEnd;
  }
}

/**
 * Offsets of the chunks (multiples of `chunkBytes`, as is `fromBytes`) in which any image of a chain holds data that shows, each once and
 * ascending.
 */
export function* chunksWithData(
  images: readonly ReadableImage[],
  chunkBytes: number,
  fromBytes?: number,
  toBytes?: number,
): Generator<number> {
  let next = 0;
  for (const segment of diskSegments(images, fromBytes, toBytes)) {
    if (segment.kind !== 'data') continue;
    const end = segment.offsetBytes + segment.lengthBytes;
    const first = segment.offsetBytes - (segment.offsetBytes % chunkBytes);
    for (let offset = Math.max(next, first); offset < end; offset += chunkBytes) {
      yield offset;
      next = offset + chunkBytes;
    }
  }
}
