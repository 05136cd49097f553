import type { VmId } from '../../../../contracts/ids';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import { formatOfName } from '../../../disks/open-image';
import { openVhdx } from '../../../disks/vhdx';
import { exists } from '../../files';
import type { GuestDisk } from '../guest/recall';
import type { SimulatedHost } from '../host';
import type { AttachedDisk } from '../records';
import { ChangeTracker, sealTracking, unsealTracking, type TrackedDisk } from './tracker';

/** Hyper-V tracks no VHD. Of a VM that has one, differencing disks tell of all disks alike, so that one round has one way. */
export const tracksChanges = ({ record }: SimulatedHost, disks: readonly AttachedDisk[]): boolean =>
  record.changeTracking && disks.every(({ path }) => formatOfName(path) === 'vhdx');

/** A disk whose writes are marked before they are made. */
export async function tracked(disk: GuestDisk, trackingFile: string): Promise<GuestDisk> {
  const tracker = await ChangeTracker.open(trackingFile);
  if (tracker === undefined) return disk;
  return {
    images: disk.images,
    virtualSizeBytes: disk.virtualSizeBytes,
    read: (target, offsetBytes) => disk.read(target, offsetBytes),
    write: async (data, offsetBytes) => {
      await tracker.note(offsetBytes, data.length);
      await disk.write(data, offsetBytes);
    },
    flush: () => disk.flush(),
    close: async () => {
      await tracker.close();
      await disk.close();
    },
  };
}

/** What tracking must know of a disk; nobody may write to it meanwhile. */
export async function trackedDiskOf(path: string): Promise<Outcome<TrackedDisk>> {
  const image = await openVhdx(path, { access: 'read' });
  if (!image.ok) return image;
  const { virtualDiskId, virtualSizeBytes, dataWriteId } = image.value.shape;
  await image.value.close();
  return succeeded({ virtualDiskId, virtualSizeBytes, dataWriteId });
}

/** After its VM stopped: from now on a write to one of its disks shows. */
export async function sealDisks(host: SimulatedHost, vmId: VmId, disks: readonly AttachedDisk[]): Promise<void> {
  for (const { diskId, path } of disks) {
    const file = host.layout.trackingFile(vmId, diskId);
    if (!(await exists(file))) continue;
    const disk = await trackedDiskOf(path);
    if (disk.ok) await sealTracking(file, disk.value.dataWriteId);
  }
}

/** Before its VM starts. A disk that was changed meanwhile loses its tracking, not its VM the start. */
export async function unsealDisks(host: SimulatedHost, vmId: VmId, disks: readonly AttachedDisk[]): Promise<void> {
  for (const { diskId, path } of disks) {
    const file = host.layout.trackingFile(vmId, diskId);
    if (!(await exists(file))) continue;
    const disk = await trackedDiskOf(path);
    if (disk.ok) await unsealTracking(file, disk.value, host.newGuid);
  }
}
