import type { DiskFacts, ImageFacts, VmFacts } from '../../../contracts/facts';
import { failed, succeeded, type Outcome } from '../../../contracts/failure';
import { diskId } from '../../../contracts/ids';
import type { VmValue } from './calls/vm';
import { marksIn } from './marks';
import { classify } from './worker/classify';

/** A VM that pauses, starts, saves or resumes has a guest: it counts as running until it stands still. */
export function stateOf({ state }: Pick<VmValue, 'state'>): 'off' | 'running' | 'saved' {
  const plain = state.replace(/Critical$/, '');
  if (plain === 'Off') return 'off';
  return plain === 'Saved' || plain === 'FastSaved' ? 'saved' : 'running';
}

/** Whether it stands in one state, with no change under way. */
export const isSettled = ({ state }: Pick<VmValue, 'state'>): boolean => /^(?:Off|Running|Saved)$/.test(state);

/** Whether it is on its way from one state to another: what is asked of it now, Hyper-V would refuse. */
export const isChanging = ({ state }: Pick<VmValue, 'state'>): boolean =>
  /^(?:Starting|Stopping|Saving|Pausing|Resuming|Reset|FastSaving|ForceShutdown|ForceReboot)(?:Critical)?$/.test(state);

/** What Msvm_ComputerSystem.OperationalStatus tells of a job. A VM checkpoint that is deleted has its disks merged. */
const jobs: ReadonlyMap<number, 'vm-checkpoint' | 'merge' | 'export' | 'move'> = new Map([
  [32768, 'vm-checkpoint'],
  [32769, 'vm-checkpoint'],
  [32770, 'merge'],
  [32772, 'merge'],
  [32773, 'export'],
  [32774, 'move'],
]);

/** What the hypervisor does with the VM now; null for nothing that takes time. A backup shows as the VM checkpoint that it takes. */
export const underWayOf = ({
  operationalStatus,
}: Pick<VmValue, 'operationalStatus'>): 'vm-checkpoint' | 'merge' | 'export' | 'move' | null =>
  operationalStatus.flatMap((status) => jobs.get(status) ?? [])[0] ?? null;

export const isMerging = (vm: Pick<VmValue, 'operationalStatus'>): boolean => underWayOf(vm) === 'merge';

export const memoryBytesOf = ({ memoryStartupBytes, memoryAssignedBytes }: VmValue): number =>
  Math.max(memoryStartupBytes, memoryAssignedBytes);

const kindOf = (kind: string): ImageFacts['kind'] =>
  kind === 'Fixed' ? 'fixed' : kind === 'Differencing' ? 'differencing' : 'dynamic';

/** Its place as an id; undefined for a controller of another kind than IDE and SCSI. */
export const diskIdOf = ({
  controller,
  number,
  location,
}: Pick<VmValue['disks'][number], 'controller' | 'number' | 'location'>) =>
  diskId.safeParse(`${controller.toLowerCase()}-${number}-${location}`).data;

/** The disks of a VM as far as they can be told now. Hyper-V does not tell what a file holds beyond its own size, which is the most it can. */
export function disksOf(vm: VmValue): DiskFacts[] {
  return vm.disks.flatMap((disk) => {
    const id = diskIdOf(disk);
    if (id === undefined) return [];
    const images = disk.images.map(({ path, kind, virtualSizeBytes, fileSizeBytes }, index) => ({
      index,
      path,
      kind: kindOf(kind),
      virtualSizeBytes,
      fileSizeBytes,
      allocatedBytes: fileSizeBytes,
    }));
    return [{ diskId: id, path: disk.path, virtualSizeBytes: images.at(-1)?.virtualSizeBytes ?? 0, images }];
  });
}

/** What a run must know of a VM to plan its copy. A disk whose files cannot be told is the failure that its error means. */
export function sizesOf(vm: VmValue): Outcome<{ vmName: string; memoryBytes: number; disks: DiskFacts[] }> {
  for (const disk of vm.disks)
    if (disk.error !== null) return failed(classify(disk.error, false, { vmId: vm.id, ...pathOf(disk) }));
  return succeeded({ vmName: vm.name, memoryBytes: memoryBytesOf(vm), disks: disksOf(vm) });
}

const pathOf = (disk: VmValue['disks'][number]): { diskId?: string; value: string } => {
  const id = diskIdOf(disk);
  return { ...(id !== undefined && { diskId: id }), value: disk.path };
};

export function vmFactsOf(vm: VmValue): VmFacts {
  const state = stateOf(vm);
  const { reservedBy, fencedBy } = marksIn(vm.notes);
  return {
    vmId: vm.id,
    name: vm.name,
    state,
    generation: vm.generation,
    configurationVersion: vm.version,
    processorCount: vm.processorCount,
    memoryBytes: memoryBytesOf(vm),
    switchName: vm.switchName,
    configurationPath: vm.configurationPath,
    disks: disksOf(vm),
    vmCheckpointCount: vm.checkpoints.length,
    heartbeat: state !== 'running' ? 'none' : vm.heartbeat.startsWith('Ok') ? 'ok' : 'lost',
    reservedBy,
    fencedBy,
  };
}
