import type { RunId } from '../../../../contracts/ids';
import { known, notKnown, type Fact, type VmInspection } from '../../../../contracts/inspection';
import { commonFeatures } from '../admission';
import { guardianCalled } from '../facts';
import { filesOfVm } from '../file-use';
import type { SimulatedHost } from '../host';
import { storageOf } from '../operations/describe-vm';
import type { VmRecord } from '../records';
import { volumeOf, volumeUse } from '../volumes';
import { inspectDisks } from './disks';

/** Facts that agents of earlier versions do not tell. */
type Told = { readonly roleResources: Fact<string[]> };

/** What a registered VM is, and what the hypervisor and runs other than `run` do with it. */
export async function inspectVm(host: SimulatedHost, run: RunId | null, vm: VmRecord): Promise<VmInspection & Told> {
  const { hardware } = vm;
  const isRunning = vm.state === 'running';
  const { maker, features } = host.record.processor;
  const { disks, damage, paths } = await inspectDisks(host, vm);
  const files = await filesOfVm(host, vm);
  const filePaths = files.map(({ path }) => path);
  const { macAddress, isMacDynamic, guardian, isShielded } = hardware;
  const { switchName, vlanId, processorCompatibility: compatibilityMode } = vm;
  return {
    name: known(vm.name),
    state: known(vm.state),
    configurationVersion: known(vm.configurationVersion),
    processorCount: known(vm.processorCount),
    memoryBytes: known(vm.memoryBytes),
    savedStateBytes: known(vm.guest.savedStateBytes),
    marks: known(marksOf(vm, run)),
    underWay: known(underWayOf(host, vm, run)),
    vmCheckpoints: known(vmCheckpointsOf(vm, paths)),
    isReplicated: known(hardware.isReplicated),
    disks,
    damage: known(damage),
    fileBytes: known(files.reduce((sum, file) => sum + file.sizeBytes, 0)),
    volume: await volumeOfVm(host, vm),
    filesUsedBy: known(await usersOf(host, vm, new Set(filePaths))),
    media: known(hardware.media),
    network: known({ switchName, vlanId, macAddress, isMacDynamic }),
    processor: known({
      maker,
      features: features.filter((one) => !compatibilityMode || commonFeatures.includes(one)),
      vectors: [],
      compatibilityMode,
    }),
    security: known({ guardian: guardian === null ? null : guardianCalled(guardian), isShielded }),
    assignedDevices: known(hardware.assignedDevices),
    runsNestedVms: known(hardware.runsNestedVms),
    role: known((await host.fabric?.roleOf(vm.vmId)) ?? null),
    roleResources: known((await host.fabric?.readRole(vm.vmId))?.otherResources ?? []),
    storage: known(storageOf(host, vm, filePaths)),
    integration: known(hardware.integration),
    heartbeat: known(isRunning ? (host.guests.get(vm.vmId)?.heartbeat ?? 'lost') : 'none'),
    automaticStart: known(hardware.automaticStart),
    changedBytesPerSecond: known(isRunning ? vm.guest.writeBytesPerSecond : 0),
  };
}

const marksOf = ({ reservedBy, fencedBy, retiredBy }: VmRecord, run: RunId | null) => {
  const ofAnother = (mark: RunId | null): RunId | null => (mark === run ? null : mark);
  return { reservedBy: ofAnother(reservedBy), fencedBy: ofAnother(fencedBy), retiredBy: ofAnother(retiredBy) };
};

function underWayOf(host: SimulatedHost, vm: VmRecord, run: RunId | null) {
  if (vm.leaving !== null || host.jobs.has(vm.vmId)) return 'move' as const;
  if (vm.hardware.isBackedUp) return 'backup' as const;
  if (vm.vmCheckpoints.some(({ stage }) => stage === 'merging')) return 'merge' as const;
  const unfinished = vm.vmCheckpoints.some(
    ({ stage, runId }) => stage === 'taking' || (runId !== null && runId !== run),
  );
  return unfinished ? ('vm-checkpoint' as const) : null;
}

const vmCheckpointsOf = ({ vmCheckpoints }: VmRecord, paths: ReadonlySet<string> | undefined) =>
  vmCheckpoints.flatMap(({ id, name, stage, frozen, hasMemory }) => {
    if (stage === 'taking') return [];
    const isAside = paths !== undefined && frozen.some(({ path }) => !paths.has(path));
    return [{ id, name, isAside, hasMemory: hasMemory ?? false }];
  });

async function volumeOfVm(host: SimulatedHost, vm: VmRecord): Promise<VmInspection['volume']> {
  const volume = volumeOf(vm.home, host.record);
  if (volume === undefined) return notKnown(`${vm.home} is on no volume of this host`);
  const { root, freeBytes, reservedBytes } = await volumeUse(volume, host.state);
  return known({ root, freeBytes, reservedBytes });
}

async function usersOf(host: SimulatedHost, vm: VmRecord, paths: ReadonlySet<string>): Promise<string[]> {
  const names: string[] = [];
  for (const other of host.state.vms) {
    if (other.vmId === vm.vmId) continue;
    const used = await filesOfVm(host, other);
    if (used.some(({ path }) => paths.has(path))) names.push(other.name);
  }
  return names;
}
