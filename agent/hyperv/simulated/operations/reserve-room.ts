import { dirname, join } from 'node:path';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { exists } from '../../files';
import { isMarkedBy } from '../../home/made';
import { resolveOnHost, type Handler, type SimulatedHost } from '../host';
import { isAtOrBelow } from '../../paths';
import type { HostRecord, VmRecord } from '../records';
import { refuse } from '../../refuse';
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

/** Whether a registered VM, other than a retired source, lies in a place already. */
export function liesIn(vm: VmRecord | undefined, { home, folder }: Place): boolean {
  if (vm === undefined || vm.retiredBy !== null) return false;
  const lies = [vm.home, ...vm.disks.map((disk) => dirname(disk.path))];
  return lies.includes(folder) || isAtOrBelow(vm.home, home);
}

/** What stands where the VM's folder would be, and is not of this run. */
export async function occupantOf(
  host: SimulatedHost,
  run: RunId | null,
  vmId: VmId,
  { home }: Place,
): Promise<string | null> {
  const isOurs =
    run !== null && (host.state.plannedVm(run, vmId)?.home === home || (await isMarkedBy(home, run, vmId)));
  return !isOurs && (await exists(home)) ? home : null;
}

/** The other run that has a placeholder of the VM here, and the one that was promised room for it. */
export const placeholderOfAnother = (host: SimulatedHost, run: RunId | null, vmId: VmId): RunId | null =>
  host.state.planned.find((planned) => planned.vmId === vmId && planned.runId !== run)?.runId ?? null;
export const promisedToAnother = (host: SimulatedHost, run: RunId | null, vmId: VmId): RunId | null =>
  host.state.runs.find((one) => one.vmId === vmId && one.runId !== run && one.room !== null)?.runId ?? null;

/** Refuses a place that is taken: by the source itself, by a VM of this id that is not the source, by another run, by files. */
export async function checkPlace(host: SimulatedHost, run: RunId, vmId: VmId, place: Place): Promise<Outcome<void>> {
  const { folder } = place;
  const registered = host.state.vm(vmId);
  if (registered !== undefined && registered.retiredBy === null) {
    if (liesIn(registered, place))
      return refuse('DestinationSameAsSource', vmId, `VM ${registered.name} lies in ${folder} already.`);
    if (registered.reservedBy !== run)
      return refuse('DestinationOccupied', vmId, `A VM ${vmId} (${registered.name}) is registered on this host.`);
  }
  const other = placeholderOfAnother(host, run, vmId);
  if (other !== null)
    return refuse('DestinationOccupied', vmId, `Run ${other} has a placeholder of VM ${vmId} on this host.`);
  const occupant = await occupantOf(host, run, vmId, place);
  if (occupant !== null) return refuse('DestinationOccupied', vmId, `${occupant} exists and is not of this run.`);
  return succeeded(undefined);
}

export const reserveRoom: Handler<'reserve-room'> = async (host, { runId }, input) => {
  const { vmId, folder, roomBytes, memoryBytes } = input;
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const free = await checkPlace(host, runId, vmId, place.value);
  if (!free.ok) return free;
  const rival = promisedToAnother(host, runId, vmId);
  if (rival !== null) return refuse('VmBusy', vmId, `Run ${rival} has reserved room for VM ${vmId} here.`);
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
