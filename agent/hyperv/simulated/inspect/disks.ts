import { known, notKnown, type InspectedDisk, type VmInspection } from '../../../../contracts/inspection';
import { allocatedBytes, openDisk } from '../../../disks/chain';
import { DiskError } from '../../../disks/failures';
import type { ReadableImage } from '../../../disks/image';
import { formatOfName } from '../../../disks/open-image';
import { rootsOf, type SimulatedHost } from '../host';
import type { AttachedDisk, VmRecord } from '../records';

type Inspected = {
  readonly disks: VmInspection['disks'];
  readonly damage: { diskId: string; code: string; message: string }[];
  /** Every file of every chain; undefined where not all are known. */
  readonly paths: ReadonlySet<string> | undefined;
};

/** The disks of a VM. What a guest has open is asked of the guest; other files are opened, and what is wrong with them is told. */
export async function inspectDisks(host: SimulatedHost, vm: VmRecord): Promise<Inspected> {
  try {
    return await look(host, vm);
  } catch (thrown) {
    // An operation closed the disks of the guest in the middle of the look.
    if (!(thrown instanceof DiskError)) throw thrown;
    return { disks: notKnown('they are being changed'), damage: [], paths: undefined };
  }
}

async function look(host: SimulatedHost, vm: VmRecord): Promise<Inspected> {
  const guest = vm.state === 'running' ? host.guests.get(vm.vmId) : undefined;
  const disks: InspectedDisk[] = [];
  const damage: Inspected['damage'] = [];
  for (const attached of vm.disks) {
    const open = guest?.currentDisks.find((one) => one.diskId === attached.diskId);
    if (open !== undefined) {
      disks.push(await describe(vm, attached, open.disk.images));
      continue;
    }
    const opened = await openDisk(attached.path, { access: 'read', roots: rootsOf(host) });
    if (opened.ok) {
      disks.push(await describe(vm, attached, opened.value.images));
      await opened.value.close();
    } else {
      const { code, message } = opened.failure;
      damage.push({ diskId: attached.diskId, code, message });
      disks.push(await describe(vm, attached, []));
    }
  }
  const paths = new Set(disks.flatMap(({ images }) => images.map(({ path }) => path)));
  const physical = vm.hardware.passThroughDisks.map((disk): InspectedDisk => ({
    ...bare(vm, disk),
    attachment: 'pass-through',
  }));
  return { disks: known([...disks, ...physical]), damage, paths: damage.length === 0 ? paths : undefined };
}

async function describe(
  vm: VmRecord,
  attached: AttachedDisk,
  images: readonly ReadableImage[],
): Promise<InspectedDisk> {
  const last = images.at(-1);
  const described: InspectedDisk['images'] = [];
  for (const image of images) {
    const { path, fileSizeBytes, shape } = image;
    described.push({ path, kind: shape.kind, fileSizeBytes, allocatedBytes: await allocatedBytes(image) });
  }
  return {
    ...bare(vm, attached),
    virtualSizeBytes: last?.shape.virtualSizeBytes ?? 0,
    physicalSectorBytes: last?.shape.physicalSectorSizeBytes ?? 512,
    images: described,
  };
}

const bare = (vm: VmRecord, { diskId, path }: AttachedDisk): InspectedDisk => ({
  diskId,
  path,
  attachment: 'file',
  isShared: vm.hardware.sharedDisks.includes(diskId),
  format: path.toLowerCase().endsWith('.vhds') ? 'vhd-set' : (formatOfName(path) ?? 'raw'),
  virtualSizeBytes: 0,
  physicalSectorBytes: 4096,
  images: [],
});
