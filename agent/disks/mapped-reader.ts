import type { DiskFile } from './file';
import type { Extent, ImageShape, ReadableImage } from './image';

/** A run of a disk that is of one kind and, for `data`, stands in one piece in the file. */
export type Segment = {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly kind: 'data' | 'zero' | 'parent';
  /** Of the first byte; only of meaning for `data`. */
  readonly fileOffsetBytes: number;
};

/** Where each byte of one image stands: what reading needs of a format. */
export interface SegmentMap {
  readonly geometry: { readonly hasParent: boolean };
  /** Reads what the tables say of a range into memory; undefined when it is there. Throws `DiskError`. */
  ensure(fromByte: number, toByte: number): Promise<void> | undefined;
  /** What a range is made of, in order and without gaps. Throws `DiskError` where the tables are damaged. */
  segments(fromByte: number, toByte: number): Iterable<Segment>;
}

/** Throws unless the range lies inside the disk: a range is the caller's own, so one outside is a bug. */
export function assertInside(offsetBytes: number, lengthBytes: number, virtualSizeBytes: number): void {
  const isInside = Number.isSafeInteger(offsetBytes) && offsetBytes >= 0 && lengthBytes >= 0;
  if (!isInside || offsetBytes + lengthBytes > virtualSizeBytes)
    throw new RangeError(`${lengthBytes} bytes at ${offsetBytes} are outside of a disk of ${virtualSizeBytes} bytes`);
}

/** What of an image's map a caller outside sees: without a parent, what is not data is nothing to speak of. */
export function* extentsOf(map: SegmentMap, fromBytes: number, toBytes: number): Generator<Extent> {
  let pending: { offsetBytes: number; lengthBytes: number; kind: Extent['kind'] } | undefined;
  for (const segment of map.segments(fromBytes, toBytes)) {
    const kind = extentKind(segment.kind, map.geometry.hasParent);
    if (pending !== undefined && pending.kind === kind) {
      pending.lengthBytes += segment.lengthBytes;
      continue;
    }
    if (pending !== undefined) yield pending;
    pending = kind && { offsetBytes: segment.offsetBytes, lengthBytes: segment.lengthBytes, kind };
  }
  if (pending !== undefined) yield pending;
}

function extentKind(kind: Segment['kind'], hasParent: boolean): Extent['kind'] | undefined {
  switch (kind) {
    case 'data':
      return 'data';
    case 'zero':
      return hasParent ? 'zero' : undefined;
    case 'parent':
      return undefined;
  }
}

type Run = { targetStart: number; targetEnd: number; fileOffsetBytes: number };

/** The reads that a range takes, neighbours in the file joined; the rest of the target becomes zero. */
function planReads(map: SegmentMap, target: Uint8Array, offsetBytes: number): Run[] {
  const runs: Run[] = [];
  let last: Run | undefined;
  for (const segment of map.segments(offsetBytes, offsetBytes + target.length)) {
    const start = segment.offsetBytes - offsetBytes;
    const end = start + segment.lengthBytes;
    if (segment.kind !== 'data') {
      target.fill(0, start, end);
      continue;
    }
    const place = segment.fileOffsetBytes;
    if (last?.targetEnd === start && last.fileOffsetBytes + (start - last.targetStart) === place) {
      last.targetEnd = end;
    } else {
      last = { targetStart: start, targetEnd: end, fileOffsetBytes: place };
      runs.push(last);
    }
  }
  return runs;
}

/** Reads what one image holds of a range; the rest reads zero. A range in one piece in the file is one read. */
export async function readHeld(
  file: DiskFile,
  map: SegmentMap,
  target: Uint8Array,
  offsetBytes: number,
): Promise<void> {
  if (target.length === 0) return;
  await map.ensure(offsetBytes, offsetBytes + target.length);
  for (const { targetStart, targetEnd, fileOffsetBytes } of planReads(map, target, offsetBytes))
    await file.read(target.subarray(targetStart, targetEnd), fileOffsetBytes);
}

/** An image that is only read. Its file is never written, even where a log has to be replayed. */
export class MappedReader implements ReadableImage {
  readonly path: string;
  readonly shape: ImageShape;
  readonly #file: DiskFile;
  readonly #map: SegmentMap;

  constructor(file: DiskFile, map: SegmentMap, shape: ImageShape) {
    this.path = file.path;
    this.shape = shape;
    this.#file = file;
    this.#map = map;
  }

  get fileSizeBytes(): number {
    return this.#file.sizeBytes;
  }

  extents(fromBytes = 0, toBytes = this.shape.virtualSizeBytes): Iterable<Extent> {
    return { [Symbol.iterator]: () => extentsOf(this.#map, fromBytes, Math.min(toBytes, this.shape.virtualSizeBytes)) };
  }

  async read(target: Uint8Array, offsetBytes: number): Promise<void> {
    assertInside(offsetBytes, target.length, this.shape.virtualSizeBytes);
    await readHeld(this.#file, this.#map, target, offsetBytes);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
