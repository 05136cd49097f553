import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { isMissing } from '../../../files';
import { isAtOrBelow, resolveBelowRoots } from '../../paths';
import { refuse } from '../../refuse';
import { findVm, type Handler, type RealHost } from '../host';
import { marksIn } from '../marks';
import { ofOthers, promisedBytes, promisedMemoryBytes } from '../promises';

/** Promises room below a root and memory, where neither is taken or promised to another run. Makes nothing on the volume. */
export const reserveRoom: Handler<'reserve-room'> = async (host, { runId }, input) => {
  const { vmId, folder, roomBytes, memoryBytes } = input;
  const place = await resolveBelowRoots(folder, host.roots[0] ?? '', host.roots);
  if (!place.ok) return place;
  const isFree = await checkPlace(host, runId, vmId, place.value);
  if (!isFree.ok) return isFree;
  const noted = await host.runs.all();
  if (!noted.ok) return noted;
  const others = ofOthers(noted.value, runId, vmId);
  const rival = others.find((one) => one.vmId === vmId && one.room !== null);
  if (rival !== undefined) return refuse('VmBusy', vmId, `Run ${rival.runId} has reserved room for VM ${vmId} here.`);

  const root = innermost(host.roots, place.value);
  const facts = await host.client.call('read-host', { Roots: [root] }, { vmId });
  if (!facts.ok) return facts;
  const freeBytes = facts.value.volumes[0]?.freeBytes ?? 0;
  const reservedBytes = promisedBytes(others, root);
  if (freeBytes - reservedBytes < roomBytes)
    return refuse(
      'NotEnoughRoom',
      vmId,
      `${root} has ${freeBytes} bytes free, ${reservedBytes} of them promised to other runs; ${roomBytes} are needed.`,
    );
  const memoryFreeBytes = facts.value.memoryFreeBytes - promisedMemoryBytes(others);
  if (memoryFreeBytes < memoryBytes)
    return refuse(
      'NotEnoughMemory',
      vmId,
      `The host has ${memoryFreeBytes} bytes of memory free; ${memoryBytes} are needed.`,
    );
  const own = await host.runs.read(runId, vmId);
  if (!own.ok) return own;
  await host.runs.write({ ...own.value, room: { folder: place.value, roomBytes, memoryBytes } });
  return succeeded({ freeBytes });
};

const innermost = (roots: readonly string[], path: string): string =>
  roots.filter((root) => isAtOrBelow(root, path)).sort((one, other) => other.length - one.length)[0] ?? '';

/** Refuses a place that is taken: by the source itself, by a VM of this id that is not the run's source, by files. */
async function checkPlace(host: RealHost, run: RunId, vmId: VmId, folder: string): Promise<Outcome<void>> {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  const home = join(folder, vmId);
  if (vm !== undefined) {
    // Its own folder is the one above `Virtual Machines`.
    const own = dirname(dirname(vm.configurationPath));
    const lies = [own, ...vm.disks.map(({ path }) => dirname(path))];
    if (lies.includes(folder) || isAtOrBelow(own, home))
      return refuse('DestinationSameAsSource', vmId, `VM ${vm.name} lies in ${folder} already.`);
    if (marksIn(vm.notes).reservedBy !== run)
      return refuse('DestinationOccupied', vmId, `A VM ${vmId} (${vm.name}) is registered on this host.`);
  }
  return (await isThere(home))
    ? refuse('DestinationOccupied', vmId, `${home} exists and is not of this run.`)
    : succeeded(undefined);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}
