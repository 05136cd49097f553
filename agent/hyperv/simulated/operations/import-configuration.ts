import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import { exists, readJson } from '../../files';
import { changesOf } from '../../home/changes';
import type { Handler, SimulatedHost } from '../host';
import { factsOfFiles } from '../images';
import { homeLayout } from '../../home/layout';
import { exportedConfiguration, type ExportedConfiguration, type PlannedRecord, type VmRegistration } from '../records';
import { refuse } from '../../refuse';
import { hasSwitch } from '../switches';
import { placeholder } from '../refusals';
import { differencingOf, placeImages, whyNotConverted, type PlacedDisk } from '../../home/place-images';
import { placeBelow } from './reserve-room';

/**
 * Checks everything before it changes anything, as Hyper-V's import does. The images get the names that they had at the source, each
 * differencing disk finds its parent beside it, and the changes are told in sentences.
 */
export const importConfiguration: Handler<'import-configuration'> = async (host, { runId }, input) => {
  const { vmId, folder, switchName } = input;
  const planned = placeholder(host, runId, vmId);
  if (!planned.ok) return planned;
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const { home, imported } = planned.value;
  if (place.value.home !== home)
    return refuse('VmStateWrong', vmId, `The placeholder is in ${home}, not in ${folder}.`);
  const read = await readConfiguration(planned.value);
  if (!read.ok) return read;
  const configuration = read.value;
  const chosenSwitch = switchName ?? configuration.switchName;
  if (chosenSwitch !== null && !hasSwitch(host, chosenSwitch))
    return refuse('SwitchMissing', vmId, `This host has no virtual switch "${chosenSwitch}".`);
  if (imported !== null) {
    if (imported.switchName === switchName) return succeeded({ changes: imported.changes });
    const vm = { ...imported.vm, switchName: chosenSwitch };
    const changes = changesOf(configuration, importedAs(host, vm), imported.differencing);
    await host.state.savePlanned({ ...planned.value, imported: { ...imported, vm, switchName, changes } });
    return succeeded({ changes });
  }
  const images = { disks: configuration.disks, convertTo: input.convertTo };
  const against = whyNotConverted(images, {
    hasMemory: configuration.savedStateBytes !== null,
    hasVmCheckpoints: configuration.vmCheckpoints.length > 0,
  });
  if (against !== undefined)
    return refuse('VmStateWrong', vmId, `The disks of VM ${vmId} cannot be converted: ${against}.`);
  const placed = await placeImages(host, planned.value, images, () => host.reached('images-named'));
  if (!placed.ok) return placed;
  const vm = registrationOf(planned.value, configuration, chosenSwitch, placed.value);
  const disks = await factsOfFiles(host, vm.disks);
  if (!disks.ok) return failed({ ...disks.failure, effect: 'applied' });
  const differencing = configuration.endsInVmCheckpointOfRun ? placed.value.flatMap(differencingOf) : [];
  const changes = changesOf(configuration, importedAs(host, vm), differencing);
  await host.state.savePlanned({ ...planned.value, imported: { vm, switchName, changes, differencing } });
  return succeeded({ changes });
};

async function readConfiguration({ home, vmId, runId }: PlannedRecord): Promise<Outcome<ExportedConfiguration>> {
  const file = homeLayout(home);
  const read = await readJson(file.pulledConfiguration, exportedConfiguration);
  if (read.state === 'absent')
    return refuse('VmStateWrong', vmId, `The configuration of VM ${vmId} was not copied yet.`);
  if (read.state === 'damaged')
    return refuse('RequestInvalid', vmId, `The copied configuration cannot be used: ${read.reason}.`);
  const configuration = read.value;
  if (configuration.vmId !== vmId || configuration.runId !== runId)
    return refuse(
      'RequestInvalid',
      vmId,
      `The copied configuration is that of VM ${configuration.vmId}, run ${configuration.runId}.`,
    );
  if (configuration.savedStateBytes !== null && !(await exists(file.savedStateOf(vmId))))
    return refuse('VmStateWrong', vmId, `The saved memory of VM ${vmId} was not copied yet.`);
  for (const { frozen } of configuration.vmCheckpoints)
    for (const { diskId, frozenIndex } of frozen)
      if (configuration.disks.find((disk) => disk.diskId === diskId)?.imageNames[frozenIndex] === undefined)
        return refuse(
          'RequestInvalid',
          vmId,
          `The copied configuration names image ${frozenIndex} of ${diskId}, which it does not have.`,
        );
  return succeeded(configuration);
}

/** Where an import puts what a VM is made of. */
export const importedAs = (host: SimulatedHost, { vmId, switchName, disks, savedState }: VmRegistration) => ({
  switchName,
  disks,
  savedStatePath: savedState?.path ?? null,
  configurationPath: host.layout.vmFile(vmId),
});

export function registrationOf(
  { home, vmId }: PlannedRecord,
  configuration: ExportedConfiguration,
  switchName: string | null,
  placed: readonly PlacedDisk[],
): VmRegistration {
  const pathOf = (diskId: string, index: number): string =>
    placed.find((disk) => disk.diskId === diskId)?.paths.at(index) ?? '';
  const {
    runId,
    savedStateBytes,
    savedAt,
    lastWriteAtMs,
    name,
    generation,
    configurationVersion,
    processorCount,
    memoryBytes,
    vlanId,
    processorCompatibility,
    hardware,
    guest,
  } = configuration;
  return {
    schema: 1,
    vmId,
    name,
    generation,
    configurationVersion,
    processorCount,
    memoryBytes,
    vlanId,
    processorCompatibility,
    hardware,
    guest,
    switchName,
    home,
    state: savedStateBytes === null ? 'off' : 'saved',
    savedState:
      savedStateBytes === null
        ? null
        : { path: homeLayout(home).savedStateOf(vmId), sizeBytes: savedStateBytes, savedAt: savedAt ?? '', runId },
    shutDownBy:
      lastWriteAtMs === null ? null : { runId, shutDownAt: new Date(lastWriteAtMs).toISOString(), lastWriteAtMs },
    referencePoints: [],
    disks: placed.map(({ diskId }) => ({ diskId, path: pathOf(diskId, -1) })),
    vmCheckpoints: configuration.vmCheckpoints.map(({ frozen, ...taken }) => ({
      ...taken,
      runId: null,
      stage: 'taken',
      layers: 1,
      frozen: frozen.map(({ diskId, frozenIndex }) => ({ diskId, path: pathOf(diskId, frozenIndex) })),
    })),
    reservedBy: null,
    fencedBy: null,
    retiredBy: null,
    startedBy: null,
    stop: null,
    leaving: null,
    guestOutageMs: null,
  };
}
