import type { Outcome } from '../../../../contracts/failure';
import { known, type Fact, type VmInspection } from '../../../../contracts/inspection';
import type { InspectedHost, InspectedVm, ToldValue } from '../calls/inspection';
import type { VmValue } from '../calls/vm';
import { both, factOf, wholeFact } from './told';

type Cluster = ToldValue<InspectedHost['cluster']>;
type Luns = ToldValue<InspectedHost['luns']>;

/** Every file of a VM that is known to be in use. */
export const pathsOf = (vm: VmValue): string[] => [
  vm.configurationPath,
  ...vm.disks.flatMap(({ path, images }) => [path, ...images.map((image) => image.path)]),
];

/** What is looked at to tell where the files of a VM are. */
export type StorageLooks = {
  readonly vm: VmValue;
  readonly inspected: Outcome<InspectedVm>;
  readonly host: Outcome<InspectedHost>;
  /** The VMs of the host. */
  readonly all: Outcome<readonly VmValue[]>;
};

/** The one volume that holds every file of a VM: a shared one of its cluster, or a LUN that no other VM has files on. */
export function volumeOf(looks: StorageLooks): VmInspection['storage'] {
  const shared = sharedVolumeOf(
    factOf(looks.host, (read) => read.cluster, known),
    pathsOf(looks.vm),
  );
  if (!shared.known) return shared;
  if (shared.value !== null) return known({ type: 'shared-volume', name: shared.value });
  const lun = ownLunOf(looks);
  return lun.known && lun.value !== null ? known({ type: 'lun', name: lun.value.name }) : lun.known ? known(null) : lun;
}

/**
 * The LUN that holds every file of a VM and of no other, with the path at which it is mounted: configuration and memory, disks, what VM
 * checkpoints stand on, and the folders in which Hyper-V puts more of them. It has one volume.
 */
export function ownLunOf({
  vm,
  inspected,
  host,
  all,
}: StorageLooks): Fact<{ readonly name: string; readonly mountPath: string } | null> {
  const checkpoints = factOf(inspected, (read) => read.checkpoints, known);
  const folders = factOf(inspected, (read) => read.folders, known);
  const files = both(checkpoints, folders, (taken, more) => [
    ...pathsOf(vm),
    ...taken.flatMap(({ paths }) => paths),
    ...more.map(insideOf),
  ]);
  const others = wholeFact(all, (vms) => vms.filter(({ id }) => id !== vm.id));
  return both(
    both(files, others, (own, rest) => ({ own, rest })),
    factOf(host, (read) => read.luns, known),
    ({ own, rest }, luns) => {
      const found = luns.flatMap((lun) => lun.paths.map((mountPath) => ({ lun, mountPath })));
      const here = found.find(({ mountPath }) => own.every((path) => lies(mountPath, path)));
      if (here?.lun.volumeCount !== 1) return null;
      const { lun, mountPath } = here;
      return rest.some((one) => pathsOf(one).some((path) => isOn(lun, path))) ? null : { name: lun.id, mountPath };
    },
  );
}

/** A path in a folder, whatever it may be called there. */
const insideOf = (folder: string): string => `${folder.replace(/[\\/]+$/, '')}${folder.includes('\\') ? '\\' : '/'}.`;

/** Whether a path is on a LUN, wherever that is mounted. */
export const isOn = ({ paths: roots }: Pick<Luns[number], 'paths'>, path: string): boolean =>
  roots.some((root) => lies(root, path));

/** The shared volume below which a path lies. */
export function sharedVolumeOf(cluster: Fact<Cluster>, paths: readonly string[]): Fact<string | null> {
  if (!cluster.known) return cluster;
  const volume = cluster.value?.sharedVolumes.find(({ paths: roots }) =>
    paths.every((path) => roots.some((root) => lies(root, path))),
  );
  return known(volume?.name ?? null);
}

/** Whether every file of a VM is where each node of the cluster of this host has it. */
export function isOnSharedVolume(cluster: Cluster, vm: VmValue): 'shared' | 'elsewhere' | 'no-cluster' {
  if (cluster === null) return 'no-cluster';
  const volume = sharedVolumeOf(known(cluster), pathsOf(vm));
  return volume.known && volume.value !== null ? 'shared' : 'elsewhere';
}

const lies = (root: string, path: string): boolean =>
  path.toLowerCase().startsWith(`${root.toLowerCase().replace(/[\\/]+$/, '')}${root.includes('\\') ? '\\' : '/'}`);
