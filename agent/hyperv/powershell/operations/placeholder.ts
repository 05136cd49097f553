import { succeeded, type Outcome } from '../../../../contracts/failure';
import { isAtOrBelow } from '../../paths';
import { isMarkedBy, makeHome, missingFolders, removeHome, removeIfEmpty } from '../../home/made';
import { refuse } from '../../refuse';
import type { RunId, VmId } from '../../../../contracts/ids';
import { stateOf } from '../facts';
import type { Handler, RealHost } from '../host';
import { forgetConfiguration, putBackConfiguration } from '../kept-configuration';
import { pathsOf } from '../inspect/storage';
import { checkPlace, placeBelow } from '../placing';
import type { Placed } from '../run-files';
import { registeredIn } from './register-vm';

/** Noted first, then made: what is cut short in between is found by its note. Hyper-V learns of the VM when it is imported. */
export const placeVm: Handler<'place-vm'> = async (host, { runId }, { vmId, vmName, folder }) => {
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const free = await checkPlace(host, runId, vmId, place.value);
  if (!free.ok) return free;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { home } = place.value;
  const before = noted.value.placed;
  if (before !== null && before.home !== home)
    return refuse('DestinationOccupied', vmId, `Run ${runId} has its placeholder in ${before.home}.`);
  if (before === null) {
    const madeFolders = await missingFolders(place.value.folder);
    const placed = { home, vmName, madeFolders, isAdopted: false, imported: null, startedAt: null };
    await host.runs.write({ ...noted.value, placed });
  }
  if (!(await isMarkedBy(home, runId, vmId))) await makeHome(home, runId, vmId);
  return succeeded({});
};

/** Deletes nothing outside of the folder that this run made, and nothing at all once it started the VM here. */
export const removePlaceholder: Handler<'remove-placeholder'> = async (host, { runId }, { vmId, folder }) => {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { placed } = noted.value;
  if (placed?.startedAt)
    return refuse('RefusedAfterStart', vmId, `Run ${runId} started VM ${vmId} here: its files stay.`);
  const removed =
    placed?.isAdopted === true
      ? await giveBack(host, placed, runId)
      : await removeHomes(host, runId, vmId, folder, placed);
  if (!removed.ok) return removed;
  await host.runs.write({ ...noted.value, placed: null });
  return succeeded({ removedBytes: removed.value });
};

async function removeHomes(
  host: RealHost,
  runId: RunId,
  vmId: VmId,
  folder: string,
  placed: Placed | null,
): Promise<Outcome<number>> {
  const place = await placeBelow(host, folder, vmId);
  let removedBytes = 0;
  for (const home of new Set([placed?.home, place.ok ? place.value.home : undefined])) {
    if (home === undefined) continue;
    const isOurs = home === placed?.home || (await isMarkedBy(home, runId, vmId));
    const isImported = home === placed?.home && placed.imported !== null;
    const free = await unregisterFrom(host, home, isImported);
    if (!free.ok) return free;
    const unused = isOurs ? await checkUnused(host, home) : free;
    if (!unused.ok) return unused;
    removedBytes += await removeHome(home, runId, isOurs);
  }
  for (const made of placed?.madeFolders ?? []) await removeIfEmpty(made);
  return succeeded(removedBytes);
}

/** A folder that is imported in place becomes what it was. What is registered from it is this run's only if it asked for that. */
export async function giveBack(host: RealHost, { home, imported }: Placed, runId: RunId): Promise<Outcome<number>> {
  if (imported?.fromExport?.isRegistering === true) {
    const free = await unregisterFrom(host, home, true);
    if (!free.ok) return free;
    await putBackConfiguration(home, runId);
  }
  await forgetConfiguration(home, runId);
  return succeeded(0);
}

/** A VM that was imported from the home and never started is part of the placeholder; any other that is registered there keeps its files. */
async function unregisterFrom(host: RealHost, home: string, isImported: boolean): Promise<Outcome<void>> {
  const found = await registeredIn(host, home);
  if (!found.ok) return found;
  const vm = found.value;
  if (vm === undefined) return succeeded(undefined);
  if (!isImported || stateOf(vm) === 'running')
    return refuse('RefusedAfterStart', vm.id, `VM ${vm.id} uses ${home}: its files stay.`);
  const gone = await host.client.call('remove-vm', { VmId: vm.id, Expected: vm.notes, DiskPaths: [] }, { vmId: vm.id });
  return gone.ok ? succeeded(undefined) : gone;
}

/** A VM has a file there: of a move by Hyper-V that came that far. */
async function checkUnused({ client }: RealHost, home: string): Promise<Outcome<void>> {
  const read = await client.call('read-vms', {});
  if (!read.ok) return read;
  const user = read.value.vms.find((vm) => pathsOf(vm).some((path) => isAtOrBelow(home, path)));
  return user === undefined
    ? succeeded(undefined)
    : refuse('RefusedAfterStart', user.id, `VM ${user.name} has files in ${home}: they stay.`);
}
