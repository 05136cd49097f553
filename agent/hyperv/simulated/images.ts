import { basename, dirname, join } from 'node:path';
import type { DiskFacts, ImageFacts } from '../../../contracts/facts';
import { succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import { allocatedBytes, describeChain, openDisk } from '../../disks/chain';
import type { ImageShape } from '../../disks/image';
import { createImage, formatOfName, openImage, type ImageFormat } from '../../disks/open-image';
import { defaultVhdBlockSizeBytes } from '../../disks/vhd';
import { defaultDifferencingBlockSizeBytes } from '../../disks/vhdx';
import { removeDurably } from '../files';
import type { GuestDisk, GuestDisks } from './guest/recall';
import { rootsOf, type SimulatedHost } from './host';
import type { AttachedDisk } from './records';
import { guidOf } from './seeded';
import { tracked } from './tracking/tracked-disk';

/** Opens the disks of a VM for its guest. A log that a power loss left behind is replayed. */
export async function openGuestDisks(
  host: SimulatedHost,
  vmId: VmId,
  attached: readonly AttachedDisk[],
): Promise<Outcome<GuestDisks>> {
  const opened: { diskId: AttachedDisk['diskId']; disk: GuestDisk }[] = [];
  const closeAll = async (): Promise<void> => {
    await Promise.allSettled(opened.map(({ disk }) => disk.close()));
  };
  try {
    for (const { diskId, path } of attached) {
      const disk = await openDisk(path, {
        access: 'write',
        tables: 'logged',
        dataWriteId: 'new-at-first-write',
        newGuid: host.newGuid,
        roots: rootsOf(host),
      });
      if (!disk.ok) {
        await closeAll();
        return disk;
      }
      opened.push({ diskId, disk: disk.value });
      opened.splice(-1, 1, { diskId, disk: await tracked(disk.value, host.layout.trackingFile(vmId, diskId)) });
    }
    return succeeded(opened);
  } catch (thrown) {
    await closeAll();
    throw thrown;
  }
}

/**
 * Where the differencing disk of a run's VM checkpoint is: beside its parent and named after it, as Hyper-V does it, with a GUID that
 * follows from the run, so that a repeat finds what it made. `merge` is the one that a guest writes while the other is merged.
 */
export function differencingPath(
  parentPath: string,
  run: RunId,
  vm: VmId,
  diskId: string,
  purpose: 'vm-checkpoint' | 'merge' | `layer-${number}`,
): string {
  const base = basename(parentPath).replace(/(?:_[0-9a-f-]{36})?\.a?vhdx?$/i, '');
  return join(
    dirname(parentPath),
    `${base}_${guidOf(run, vm, diskId, purpose)}.a${formatOfName(parentPath) ?? 'vhdx'}`,
  );
}

/**
 * Makes an empty differencing disk, in place of any that stands there unattached. It names its parent by the relative path alone:
 * both are in one folder, and the folder of a simulated host can be moved. `alsoAccepted` is the data write id of another image that it
 * may be merged into.
 */
export async function makeDifferencing(
  host: SimulatedHost,
  parentPath: string,
  childPath: string,
  alsoAccepted?: string,
): Promise<Outcome<void>> {
  await removeDurably(childPath);
  const nowMs = (): number => host.clock.now();
  return makeDifferencingOn(parentPath, childPath, { newGuid: host.newGuid, nowMs, alsoAccepted });
}

export async function makeDifferencingOn(
  parentPath: string,
  childPath: string,
  options: {
    readonly newGuid: () => string;
    readonly nowMs: () => number;
    readonly alsoAccepted?: string | undefined;
  },
): Promise<Outcome<void>> {
  const parent = await openImage(parentPath, { access: 'read' });
  if (!parent.ok) return parent;
  const { shape } = parent.value;
  await parent.value.close();
  const { newGuid, nowMs, alsoAccepted } = options;
  const format = formatOfName(parentPath) ?? 'vhdx';
  const link = { dataWriteId: shape.dataWriteId, relativePath: basename(parentPath) };
  const child = await createImage(format, childPath, childShape(format, shape, link, newGuid(), alsoAccepted), {
    tables: 'ordered',
    dataWriteId: 'kept',
    newGuid,
    nowMs,
  });
  if (!child.ok) return child;
  await child.value.close();
  return succeeded(undefined);
}

/** A VHD has one id, of the content, and accepts one parent. */
function childShape(
  format: ImageFormat,
  shape: ImageShape,
  parent: NonNullable<ImageShape['parent']>,
  dataWriteId: string,
  alsoAccepted: string | undefined,
): ImageShape {
  const child = { ...shape, kind: 'differencing' as const, dataWriteId, parent };
  switch (format) {
    case 'vhd':
      return { ...child, blockSizeBytes: defaultVhdBlockSizeBytes, virtualDiskId: dataWriteId };
    case 'vhdx': {
      const second = alsoAccepted === undefined ? {} : { secondDataWriteId: alsoAccepted };
      return { ...child, blockSizeBytes: defaultDifferencingBlockSizeBytes, parent: { ...parent, ...second } };
    }
  }
}

/** Facts of a VM's disks from their files. Failures name the file. The VM must stand still. */
export async function factsOfFiles(
  host: SimulatedHost,
  attached: readonly AttachedDisk[],
): Promise<Outcome<DiskFacts[]>> {
  const facts: DiskFacts[] = [];
  for (const { diskId, path } of attached) {
    const chain = await describeChain(path, { roots: rootsOf(host) });
    if (!chain.ok) return { ok: false, failure: { ...chain.failure, subject: { ...chain.failure.subject, diskId } } };
    facts.push({ diskId, ...chain.value });
  }
  return succeeded(facts);
}

/** Facts of the disks that a guest has open: the last image is in use, and only who writes it knows its tables. */
export async function factsOfOpenDisks(disks: GuestDisks): Promise<DiskFacts[]> {
  const facts: DiskFacts[] = [];
  for (const { diskId, disk } of disks) {
    const images: ImageFacts[] = [];
    for (const [index, image] of disk.images.entries())
      images.push({
        index,
        path: image.path,
        kind: image.shape.kind,
        virtualSizeBytes: image.shape.virtualSizeBytes,
        fileSizeBytes: image.fileSizeBytes,
        allocatedBytes: await allocatedBytes(image),
      });
    facts.push({ diskId, path: images.at(-1)?.path ?? '', virtualSizeBytes: disk.virtualSizeBytes, images });
  }
  return facts;
}

export async function dataWriteIdOf(path: string): Promise<Outcome<string>> {
  const image = await openImage(path, { access: 'read' });
  if (!image.ok) return image;
  await image.value.close();
  return succeeded(image.value.shape.dataWriteId);
}
