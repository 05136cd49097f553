import { basename, dirname } from 'node:path';
import { succeeded } from '../../../../contracts/failure';
import type { DiskFacts } from '../../../../contracts/facts';
import type { RunId } from '../../../../contracts/ids';
import { removeDurably, writeJsonAtomic } from '../../files';
import type { Handler } from '../host';
import { factsOfFiles } from '../images';
import type { ExportedConfiguration, VmRecord } from '../records';
import { refuse } from '../../refuse';
import { reservedVm } from '../refusals';
import { checkVmCheckpoints } from './check-disks';
import { vmCheckpointOf } from './take-vm-checkpoint';

/** Written of a VM that stands still, so that the names in it stay true. */
export const exportConfiguration: Handler<'export-configuration'> = async (host, { runId }, { vmId }) => {
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (vm.state === 'running' || (vm.fencedBy !== runId && vm.savedState?.runId !== runId))
    return refuse(
      'VmStateWrong',
      vmId,
      `VM ${vm.name} is ${vm.state}; it must be stopped and kept so by this run before it is exported.`,
    );
  const disks = await factsOfFiles(host, vm.disks);
  if (!disks.ok) return disks;
  const whole = checkVmCheckpoints(vm, disks.value);
  if (!whole.ok) return whole;
  await writeJsonAtomic(host.layout.exportedFile(runId, vmId), configurationOf(vm, runId, disks.value));
  return succeeded({});
};

/** The VM as it is exported. Of a VM that runs, or whose rounds of pre-copy were carried, what is below the run's VM checkpoint. */
export function configurationOf(
  vm: VmRecord,
  runId: RunId,
  disks: readonly DiskFacts[],
  belowVmCheckpoint = false,
): ExportedConfiguration {
  const indexOf = (diskId: string, path: string): number =>
    disks.find((disk) => disk.diskId === diskId)?.images.findIndex((image) => image.path === path) ?? -1;
  const ofRun = vmCheckpointOf(vm, runId);
  // Rounds of pre-copy have put what the run's differencing disks hold into the copy of what is below them.
  const byRounds = belowVmCheckpoint || vm.referencePoints.some((point) => point.runId === runId);
  const copiedOf = ({ diskId, images }: DiskFacts): DiskFacts['images'] => {
    const frozen = ofRun?.frozen.find((disk) => disk.diskId === diskId)?.path;
    return byRounds && frozen !== undefined ? images.slice(0, indexOf(diskId, frozen) + 1) : images;
  };
  return {
    schema: 1,
    runId,
    vmId: vm.vmId,
    name: vm.name,
    generation: vm.generation,
    configurationVersion: vm.configurationVersion,
    processorCount: vm.processorCount,
    memoryBytes: vm.memoryBytes,
    switchName: vm.switchName,
    vlanId: vm.vlanId,
    processorCompatibility: vm.processorCompatibility,
    hardware: vm.hardware,
    guest: vm.guest,
    savedStateBytes: belowVmCheckpoint ? null : (vm.savedState?.sizeBytes ?? null),
    savedAt: belowVmCheckpoint ? null : (vm.savedState?.savedAt ?? null),
    lastWriteAtMs: vm.shutDownBy?.lastWriteAtMs ?? null,
    endsInVmCheckpointOfRun: ofRun?.stage === 'taken' && !byRounds,
    disks: disks.map((disk) => ({
      diskId: disk.diskId,
      attachedPath: ofRun?.frozen.find(({ diskId }) => diskId === disk.diskId)?.path ?? disk.path,
      imageNames: copiedOf(disk).map((image) => basename(image.path)),
    })),
    vmCheckpoints: vm.vmCheckpoints.flatMap(({ id, name, createdAt, frozen, runId: owner }) =>
      owner === runId
        ? []
        : [
            {
              id,
              name,
              createdAt,
              frozen: frozen.map(({ diskId, path }) => ({ diskId, frozenIndex: indexOf(diskId, path) })),
            },
          ],
    ),
  };
}

export const removeExport: Handler<'remove-export'> = async (host, { runId }, { vmId }) => {
  await removeDurably(dirname(host.layout.exportedFile(runId, vmId)));
  return succeeded({});
};
