import type { DiskFacts, VmFacts } from '../../../contracts/facts';
import { succeeded, type Outcome } from '../../../contracts/failure';
import { DiskError } from '../../disks/failures';
import type { SimulatedHost } from './host';
import { factsOfFiles, factsOfOpenDisks } from './images';
import type { AttachedDisk, PlannedRecord, VmRecord, VmRegistration } from './records';

/** What a run must know of a VM to plan its copy. The VM's lock is held, or nothing changes it. */
export async function vmSizes(
  host: SimulatedHost,
  vm: VmRecord,
): Promise<Outcome<{ vmName: string; memoryBytes: number; disks: DiskFacts[] }>> {
  const disks = await diskFactsOf(host, vm);
  if (!disks.ok) return disks;
  return succeeded({ vmName: vm.name, memoryBytes: vm.memoryBytes, disks: disks.value });
}

export async function diskFactsOf(host: SimulatedHost, vm: VmRegistration): Promise<Outcome<DiskFacts[]>> {
  const guest = vm.state === 'running' ? host.guests.get(vm.vmId) : undefined;
  return guest === undefined ? factsOfFiles(host, vm.disks) : succeeded(await factsOfOpenDisks(guest.currentDisks));
}

/** A disk whose files cannot be looked at now, because they are broken or being changed. */
const bareDisk = ({ diskId, path }: AttachedDisk): DiskFacts => ({ diskId, path, virtualSizeBytes: 0, images: [] });

/**
 * The facts of a VM for anybody who asks. Never waits for an operation: where files cannot be described while they change, the disks
 * come without their images.
 */
export async function registeredFacts(host: SimulatedHost, vm: VmRecord): Promise<VmFacts> {
  const guest = vm.state === 'running' ? host.guests.get(vm.vmId) : undefined;
  return {
    ...settingsFacts(vm),
    state: vm.state,
    configurationPath: host.layout.vmFile(vm.vmId),
    disks: await tolerantDiskFacts(host, vm),
    heartbeat: vm.state === 'running' ? (guest?.heartbeat ?? 'lost') : 'none',
    reservedBy: vm.reservedBy,
    fencedBy: vm.fencedBy,
  };
}

export async function plannedFacts(host: SimulatedHost, planned: PlannedRecord): Promise<VmFacts> {
  const { imported, vmId, vmName } = planned;
  const common = {
    state: 'planned',
    configurationPath: host.layout.plannedFile(planned.runId, vmId),
    heartbeat: 'none',
    reservedBy: planned.runId,
    fencedBy: null,
  } as const;
  if (imported !== null)
    return { ...settingsFacts(imported.vm), ...common, disks: await tolerantDiskFacts(host, imported.vm) };
  return {
    ...common,
    vmId,
    name: vmName,
    generation: 2,
    configurationVersion: '',
    processorCount: 0,
    memoryBytes: 0,
    switchName: null,
    disks: [],
    vmCheckpointCount: 0,
  };
}

const settingsFacts = (vm: VmRegistration) => ({
  vmId: vm.vmId,
  name: vm.name,
  generation: vm.generation,
  configurationVersion: vm.configurationVersion,
  processorCount: vm.processorCount,
  memoryBytes: vm.memoryBytes,
  switchName: vm.switchName,
  vmCheckpointCount: vm.vmCheckpoints.filter((taken) => taken.stage !== 'taking').length,
});

async function tolerantDiskFacts(host: SimulatedHost, vm: VmRegistration): Promise<DiskFacts[]> {
  try {
    const facts = await diskFactsOf(host, vm);
    return facts.ok ? facts.value : vm.disks.map(bareDisk);
  } catch (thrown) {
    // An operation closed the disks of the guest in the middle of the look.
    if (thrown instanceof DiskError) return vm.disks.map(bareDisk);
    throw thrown;
  }
}

/** A guardian of a simulated host is its name; it has no certificates. */
export const guardianCalled = (name: string): { name: string; key: string } => ({ name, key: name });
