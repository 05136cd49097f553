import { randomUUID } from 'node:crypto';
import { valueOf } from '../../failures';
import type { ImageShape } from '../../image';
import { createVhdx, openVhdx } from '../../vhdx';
import { mib } from './hosts';

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

export type Piece =
  | { readonly offsetBytes: number; readonly data: Buffer }
  | { readonly offsetBytes: number; readonly zeroBytes: number };

/** An image with this in it. */
export async function makeImage(path: string, shape: ImageShape, pieces: readonly Piece[]): Promise<void> {
  const options = { tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID } as const;
  const image = valueOf(await createVhdx(path, shape, options));
  for (const piece of pieces) {
    if ('data' in piece) await image.write(piece.data, piece.offsetBytes);
    else await image.writeZeros(piece.offsetBytes, piece.zeroBytes);
  }
  await image.close();
}

/** What an image itself holds: for each extent its place and kind, and its bytes. Blocks of zeros and no blocks are alike without a parent. */
export async function contentOf(path: string): Promise<{ shape: ImageShape; bytes: Buffer; kinds: readonly string[] }> {
  const image = valueOf(await openVhdx(path, { access: 'read' }));
  const bytes = Buffer.alloc(image.shape.virtualSizeBytes);
  await image.read(bytes, 0);
  const extents = image.shape.parent === undefined ? [] : [...image.extents()];
  await image.close();
  return { shape: image.shape, bytes, kinds: extents.map((extent) => JSON.stringify(extent)) };
}
