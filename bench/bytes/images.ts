import { randomBytes, randomUUID } from 'node:crypto';
import { createVhdx, openVhdx } from '../../agent/disks/vhdx';
import { valueOf } from '../../agent/disks/failures';

export const mib = 1024 * 1024;
export const gib = 1024 * mib;
const pieceBytes = 4 * mib;

export type ImagePlan = {
  readonly kind: 'dynamic' | 'fixed';
  readonly virtualSizeBytes: number;
  /** One of so many parts of 16 MiB holds random data, the others nothing; 1: all of them do. */
  readonly oneOf: number;
};

/** A VHDX with blocks of 32 MiB and random data, which nothing can compress. */
export async function makeImage(path: string, { kind, virtualSizeBytes, oneOf }: ImagePlan): Promise<void> {
  const shape = {
    kind,
    virtualSizeBytes,
    blockSizeBytes: 32 * mib,
    logicalSectorSizeBytes: 512,
    physicalSectorSizeBytes: 4096,
    virtualDiskId: randomUUID(),
    dataWriteId: randomUUID(),
  } as const;
  const image = valueOf(await createVhdx(path, shape, { tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID }));
  for (let at = 0; at < virtualSizeBytes; at += pieceBytes)
    if (Math.floor(at / (16 * mib)) % oneOf === 0) await image.write(randomBytes(pieceBytes), at);
  await image.close();
}

/** Throws unless both disks are of one size and hold the same bytes. */
export async function assertSameDisk(image: string, copied: string): Promise<void> {
  const source = valueOf(await openVhdx(image, { access: 'read' }));
  const copy = valueOf(await openVhdx(copied, { access: 'read' }));
  const [one, other] = [Buffer.alloc(pieceBytes), Buffer.alloc(pieceBytes)];
  const { virtualSizeBytes } = source.shape;
  try {
    if (copy.shape.virtualSizeBytes !== virtualSizeBytes) throw new Error('the disks are not of one size');
    for (let at = 0; at < virtualSizeBytes; at += pieceBytes) {
      const lengthBytes = Math.min(pieceBytes, virtualSizeBytes - at);
      const [part, otherPart] = [one.subarray(0, lengthBytes), other.subarray(0, lengthBytes)];
      await Promise.all([source.read(part, at), copy.read(otherPart, at)]);
      if (!part.equals(otherPart)) throw new Error(`the disks differ between ${at} and ${at + lengthBytes}`);
    }
  } finally {
    await Promise.all([source.close(), copy.close()]);
  }
}
