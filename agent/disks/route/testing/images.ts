import { randomUUID } from 'node:crypto';
import { valueOf } from '../../failures';
import type { Extent, ImageShape } from '../../image';
import { createImage, formatOfName, openImageAs, type ImageFormat } from '../../open-image';
import { mib } from './hosts';
import { seededBytes, seededRandom } from './random';

export const shapeOf = (changes: Partial<ImageShape> = {}): ImageShape => ({
  kind: 'dynamic',
  virtualSizeBytes: 32 * mib,
  blockSizeBytes: 2 * mib,
  logicalSectorSizeBytes: 512,
  physicalSectorSizeBytes: 4096,
  virtualDiskId: randomUUID(),
  dataWriteId: randomUUID(),
  ...changes,
});

/** The shape as a VHD can have it: with one id, and sectors of 512 bytes. */
export const vhdShapeOf = (changes: Partial<ImageShape> = {}): ImageShape => {
  const shape = shapeOf({ physicalSectorSizeBytes: 512, ...changes });
  return { ...shape, virtualDiskId: shape.dataWriteId };
};

/** By its name; a copy that has none yet is a VHDX unless a test says otherwise. */
const formatNamed = (path: string): ImageFormat => formatOfName(path) ?? 'vhdx';

export type Piece =
  | { readonly offsetBytes: number; readonly data: Buffer }
  | { readonly offsetBytes: number; readonly zeroBytes: number };

/** Pieces at seeded places, some of zeros that the image holds as data, some of zeros that it is told of. */
export function somePieces(seed: number, sectorBytes: number, sizeBytes: number): Piece[] {
  const random = seededRandom(seed);
  return Array.from({ length: 40 }, (_, index) => {
    const lengthBytes = sectorBytes * (1 + Math.floor(random() * (random() < 0.2 ? 600 : 20)));
    const offsetBytes = sectorBytes * Math.floor((random() * (sizeBytes - lengthBytes)) / sectorBytes);
    const choice = random();
    if (choice < 0.15) return { offsetBytes, zeroBytes: lengthBytes };
    return {
      offsetBytes,
      data: choice < 0.3 ? Buffer.alloc(lengthBytes) : seededBytes(lengthBytes, seed * 1000 + index),
    };
  });
}

/** An image with this in it. */
export async function makeImage(
  path: string,
  shape: ImageShape,
  pieces: readonly Piece[],
  format: ImageFormat = formatNamed(path),
): Promise<void> {
  const options = { tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID, nowMs: Date.now } as const;
  const image = valueOf(await createImage(format, path, shape, options));
  for (const piece of pieces) {
    if ('data' in piece) await image.write(piece.data, piece.offsetBytes);
    else await image.writeZeros(piece.offsetBytes, piece.zeroBytes);
  }
  await image.close();
}

/** What an image itself holds: its bytes, and, where a parent stands below, which ranges are its own. */
export async function contentOf(
  path: string,
  format: ImageFormat = formatNamed(path),
): Promise<{ shape: ImageShape; bytes: Buffer; held: readonly Extent[] }> {
  const image = valueOf(await openImageAs(format, path, { access: 'read' }));
  const bytes = Buffer.alloc(image.shape.virtualSizeBytes);
  await image.read(bytes, 0);
  const extents = image.shape.parent === undefined ? [] : [...image.extents()];
  await image.close();
  return { shape: image.shape, bytes, held: joined(extents) };
}

/** Ranges that the image has a say about, whether as data or as zeros: a copy may tell zeros from data where its source does not. */
function joined(extents: readonly Extent[]): Extent[] {
  const ranges: Extent[] = [];
  for (const { offsetBytes, lengthBytes } of extents) {
    const last = ranges.at(-1);
    const isNext = last !== undefined && last.offsetBytes + last.lengthBytes === offsetBytes;
    if (isNext) ranges[ranges.length - 1] = { ...last, lengthBytes: last.lengthBytes + lengthBytes };
    else ranges.push({ kind: 'data', offsetBytes, lengthBytes });
  }
  return ranges;
}
