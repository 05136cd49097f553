import { join, relative, resolve } from 'node:path';
import type { DiskId, RunId, VmId } from '../../../contracts/ids';
import { isAtOrBelow } from '../paths';
import type { HostRecord, PlannedRecord, RunRecord, VmRecord, VmRegistration } from './records';

/** Where things are in the folder of a host. Ids are of `[A-Za-z0-9_-]`, so they are safe as names. */
export const layoutOf = (hostFolder: string) => {
  const folder = resolve(hostFolder);
  const below = (...names: string[]) => join(folder, ...names);
  return {
    folder,
    hostFile: below('host.json'),
    lockFile: below('driver.lock'),
    vmsFolder: below('vms'),
    vmFolder: (vm: VmId) => below('vms', vm),
    vmFile: (vm: VmId) => below('vms', vm, 'vm.json'),
    /** What the guest of a running VM remembers while its agent is stopped on purpose. */
    standbyFile: (vm: VmId) => below('vms', vm, 'standby.memory'),
    /** Change tracking of a disk, beside the VM's registration: it is of this host and goes with it. */
    trackingFolder: (vm: VmId) => below('vms', vm, 'tracking'),
    trackingFile: (vm: VmId, disk: DiskId) => below('vms', vm, 'tracking', `${disk}.rct`),
    plannedFolder: below('planned'),
    plannedFile: (run: RunId, vm: VmId) => below('planned', run, vm, 'vm.json'),
    retiredFolder: below('retired'),
    retiredFile: (run: RunId, vm: VmId) => below('retired', run, `${vm}.json`),
    switchesFolder: below('switches'),
    switchFile: (id: string) => below('switches', `${id}.json`),
    runsFolder: below('runs'),
    runFolder: (run: RunId, vm: VmId) => below('runs', run, vm),
    runFile: (run: RunId, vm: VmId) => below('runs', run, vm, 'run.json'),
    /** What changed of a disk up to a round of pre-copy. */
    roundFile: (run: RunId, vm: VmId, round: number, disk: DiskId) =>
      below('runs', run, vm, 'rounds', `${round}-${disk}.json`),
    exportedFile: (run: RunId, vm: VmId) => below('runs', run, vm, 'export', 'configuration.json'),
  };
};
export type HostLayout = ReturnType<typeof layoutOf>;

export type PathMap = (path: string) => string;

/** A path as state files keep it. */
export const storedPath =
  (layout: HostLayout): PathMap =>
  (path) =>
    isAtOrBelow(layout.folder, path) ? relative(layout.folder, path) || '.' : path;

/** A path of a state file as an absolute one. */
export const livePath =
  (layout: HostLayout): PathMap =>
  (path) =>
    resolve(layout.folder, path);

export const mapHostPaths = (host: HostRecord, map: PathMap): HostRecord => ({
  ...host,
  fabric: host.fabric && { ...host.fabric, folder: map(host.fabric.folder) },
  volumes: host.volumes.map((volume) => ({ ...volume, root: map(volume.root) })),
});

const mapDisks = <T extends { readonly path: string }>(disks: readonly T[], map: PathMap): T[] =>
  disks.map((disk) => ({ ...disk, path: map(disk.path) }));

export const mapRegistrationPaths = <T extends VmRegistration>(vm: T, map: PathMap): T => ({
  ...vm,
  home: map(vm.home),
  savedState: vm.savedState && { ...vm.savedState, path: map(vm.savedState.path) },
  disks: mapDisks(vm.disks, map),
  vmCheckpoints: vm.vmCheckpoints.map((taken) => ({ ...taken, frozen: mapDisks(taken.frozen, map) })),
});

export const mapVmPaths = (vm: VmRecord, map: PathMap): VmRecord => ({
  ...mapRegistrationPaths(vm, map),
  setAside: vm.setAside && { ...vm.setAside, vm: mapRegistrationPaths(vm.setAside.vm, map) },
});

export const mapPlannedPaths = (planned: PlannedRecord, map: PathMap): PlannedRecord => ({
  ...planned,
  home: map(planned.home),
  madeFolders: planned.madeFolders.map(map),
  imported: planned.imported && {
    ...planned.imported,
    vm: mapRegistrationPaths(planned.imported.vm, map),
    differencing: planned.imported.differencing.map((one) => ({
      ...one,
      childPath: map(one.childPath),
      parentPath: map(one.parentPath),
    })),
  },
});

export const mapRunPaths = (run: RunRecord, map: PathMap): RunRecord => ({
  ...run,
  room: run.room && { ...run.room, folder: map(run.room.folder) },
  home: run.home === null ? null : map(run.home),
  retirement: run.retirement && {
    ...run.retirement,
    home: map(run.retirement.home),
    delete: run.retirement.delete.map(map),
    kept: run.retirement.kept.map(map),
  },
  moved: run.moved && {
    ...run.moved,
    remove: run.moved.remove.map(map),
    home: run.moved.home === null ? null : map(run.moved.home),
  },
});
