import type { Outcome } from '../../../../contracts/failure';
import { known, type Fact, type VmInspection } from '../../../../contracts/inspection';
import type { InspectedHost, ToldValue } from '../calls/inspection';
import type { VmValue } from '../calls/vm';
import { both, factOf, wholeFact } from './told';

type Cluster = ToldValue<InspectedHost['cluster']>;
type Luns = ToldValue<InspectedHost['luns']>;

/** Every file of a VM that is known to be in use. */
export const pathsOf = (vm: VmValue): string[] => [
  vm.configurationPath,
  ...vm.disks.flatMap(({ path, images }) => [path, ...images.map((image) => image.path)]),
];

/** The one volume that holds every file of a VM: a shared one of its cluster, or a LUN that no other VM has files on. */
export function volumeOf(
  vm: VmValue,
  host: Outcome<InspectedHost>,
  all: Outcome<readonly VmValue[]>,
): VmInspection['storage'] {
  const paths = pathsOf(vm);
  const shared = sharedVolumeOf(
    factOf(host, (read) => read.cluster, known),
    paths,
  );
  if (!shared.known) return shared;
  if (shared.value !== null) return known({ type: 'shared-volume', name: shared.value });
  return both(
    factOf(host, (read) => read.luns, known),
    wholeFact(all, (vms) => vms.filter(({ id }) => id !== vm.id)),
    (luns, others) => {
      const lun = lunOfPaths(luns, paths);
      const isShared = lun !== undefined && others.some((one) => pathsOf(one).some((path) => isOn(lun, path)));
      return lun === undefined || isShared ? null : { type: 'lun' as const, name: lun.id };
    },
  );
}

const isOn = ({ paths: roots }: Luns[number], path: string): boolean => roots.some((root) => lies(root, path));

const lunOfPaths = (luns: Luns, paths: readonly string[]): Luns[number] | undefined =>
  luns.find((lun) => paths.every((path) => isOn(lun, path)));

/** The shared volume below which a path lies. */
export function sharedVolumeOf(cluster: Fact<Cluster>, paths: readonly string[]): Fact<string | null> {
  if (!cluster.known) return cluster;
  const volume = cluster.value?.sharedVolumes.find(({ paths: roots }) =>
    paths.every((path) => roots.some((root) => lies(root, path))),
  );
  return known(volume?.name ?? null);
}

const lies = (root: string, path: string): boolean =>
  path.toLowerCase().startsWith(`${root.toLowerCase().replace(/[\\/]+$/, '')}${root.includes('\\') ? '\\' : '/'}`);
