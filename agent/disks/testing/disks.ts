import { openDisk } from '../chain';
import { DiskError } from '../failures';
import type { Outcome } from '../../../contracts/failure';
import type { ImageShape } from '../image';
import type { VhdxCreateOptions, VhdxWriteOptions } from '../vhdx';
import { mib } from '../vhdx/numbers';
import { SeededRandom } from './random';

/** The value of an outcome that has to be well. */
export function well<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new DiskError(outcome.failure);
  return outcome.value;
}

/** The code of an outcome that has to be a failure. */
export function codeOf(outcome: Outcome<unknown>): string {
  return outcome.ok ? 'no failure' : outcome.failure.code;
}

export const ids = { disk: '6f9619ff-8b86-4011-b42d-00c04fc964ff', content: '1c5d3a52-92a7-4b5e-a6a1-2d0c4b0d8f11' };

/** A small dynamic disk, with whatever shall be otherwise. */
export function shapeOf(change: Partial<ImageShape> = {}): ImageShape {
  return {
    kind: 'dynamic',
    virtualSizeBytes: 64 * mib,
    blockSizeBytes: mib,
    logicalSectorSizeBytes: 512,
    physicalSectorSizeBytes: 4096,
    virtualDiskId: ids.disk,
    dataWriteId: ids.content,
    ...change,
  };
}

/** What a guest reads of the disk with this last image, from beginning to end; its parents stand below the folder. */
export async function guestContentOf(path: string, folder: string): Promise<Buffer> {
  const disk = well(await openDisk(path, { access: 'read', roots: [folder] }));
  const content = Buffer.alloc(disk.virtualSizeBytes);
  await disk.read(content, 0);
  await disk.close();
  return content;
}

/** The time of tests that are about something else, in milliseconds since 1970. */
export const nowMs = (): number => Date.UTC(2026, 10, 25);

const random = new SeededRandom(1);

/** GUIDs that this process has not seen yet, the same ones each time the tests of a file run. */
export const newGuid = (): string => random.guid();

export function writeOptions(
  change: Partial<VhdxWriteOptions> = {},
): VhdxWriteOptions & VhdxCreateOptions & { access: 'write' } {
  return { access: 'write', tables: 'ordered', dataWriteId: 'kept', newGuid, ...change };
}
