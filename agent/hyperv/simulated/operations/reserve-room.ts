import { dirname, join } from 'node:path';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { exists, readJson } from '../files';
import { resolveOnHost, type Handler, type SimulatedHost } from '../host';
import { homeLayout } from '../layout';
import { isAtOrBelow } from '../paths';
import { homeMark, type HostRecord } from '../records';
import { refuse } from '../refusals';
import { memoryFreeBytes, unwrittenBytes, volumeOf, volumeUse } from '../volumes';

export type Place = { readonly folder: string; readonly home: string; readonly volume: HostRecord['volumes'][number] };

/** Where a run's copy of a VM goes below `folder`; PathOutsideRoots when that is not below an allowed root. */
export async function placeBelow(host: SimulatedHost, folder: string, vm: VmId): Promise<Outcome<Place>> {
  const resolved = await resolveOnHost(host, folder);
  if (!resolved.ok) return resolved;
  const home = await resolveOnHost(host, join(resolved.value, vm));
  if (!home.ok) return home;
  const volume = volumeOf(home.value, host.record);
  if (volume === undefined) return refuse('PathOutsideRoots', vm, `${folder} is on no volume of this host.`);
  return succeeded({ folder: resolved.value, home: home.value, volume });
}

/** Whether the folder of a VM was made by this run. */
export async function isMarkedBy(home: string, run: RunId, vm: VmId): Promise<boolean> {
  const mark = await readJson(homeLayout(home).markFile, homeMark);
  return mark.state === 'read' && mark.value.runId === run && mark.value.vmId === vm;
}

/** Refuses a place that is taken: by the source itself, by a VM of this id that is not the source, by another run, by files. */
export async function checkPlace(host: SimulatedHost, run: RunId, vmId: VmId, place: Place): Promise<Outcome<void>> {
  const { home, folder } = place;
  const registered = host.state.vm(vmId);
  if (registered !== undefined && registered.retiredBy === null) {
    const lies = [registered.home, ...registered.disks.map((disk) => dirname(disk.path))];
    if (lies.includes(folder) || isAtOrBelow(registered.home, home))
      return refuse('DestinationSameAsSource', vmId, `VM ${registered.name} lies in ${folder} already.`);
    if (registered.reservedBy !== run)
      return refuse('DestinationOccupied', vmId, `A VM ${vmId} (${registered.name}) is registered on this host.`);
  }
  const other = host.state.planned.find((planned) => planned.vmId === vmId && planned.runId !== run);
  if (other !== undefined)
    return refuse('DestinationOccupied', vmId, `Run ${other.runId} has a placeholder of VM ${vmId} on this host.`);
  const ours = host.state.plannedVm(run, vmId)?.home === home || (await isMarkedBy(home, run, vmId));
  if (!ours && (await exists(home)))
    return refuse('DestinationOccupied', vmId, `${home} exists and is not of this run.`);
  return succeeded(undefined);
}

export const reserveRoom: Handler<'reserve-room'> = async (host, { runId }, input) => {
  const { vmId, folder, roomBytes, memoryBytes } = input;
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const free = await checkPlace(host, runId, vmId, place.value);
  if (!free.ok) return free;
  const rival = host.state.runs.find((run) => run.vmId === vmId && run.runId !== runId && run.room !== null);
  if (rival !== undefined) return refuse('VmBusy', vmId, `Run ${rival.runId} has reserved room for VM ${vmId} here.`);
  const { volume, home } = place.value;
  const before = host.state.run(runId, vmId);
  const use = await volumeUse(volume, host.state, { runId, vmId });
  const wanted = { ...before, room: { folder: place.value.folder, roomBytes, memoryBytes }, home };
  const neededBytes = await unwrittenBytes(wanted);
  if (use.freeBytes - use.reservedBytes < neededBytes)
    return refuse(
      'NotEnoughRoom',
      vmId,
      `${volume.root} has ${use.freeBytes} bytes free, ${use.reservedBytes} of them promised to other runs; ${neededBytes} are needed.`,
    );
  const memoryFree = memoryFreeBytes(host.record, host.state, vmId);
  if (memoryFree < memoryBytes)
    return refuse(
      'NotEnoughMemory',
      vmId,
      `The host has ${memoryFree} bytes of memory free; ${memoryBytes} are needed.`,
    );
  await host.state.saveRun(wanted);
  return succeeded({ freeBytes: use.freeBytes });
};
