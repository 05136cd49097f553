import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { refuse } from '../../refuse';
import type { Handler, RealHost } from '../host';
import { checkPlace, placeBelow, rootOf } from '../placing';
import { asOpen, ofOthers, openPromises, promisedBytes, promisedMemoryBytes } from '../promises';
import type { RunFile } from '../run-files';

/** Promises room below a root and memory, where neither is taken or promised to another run. Makes nothing on the volume. */
export const reserveRoom: Handler<'reserve-room'> = async (host, { runId }, input) => {
  const { vmId, folder, roomBytes, memoryBytes } = input;
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const isFree = await checkPlace(host, runId, vmId, place.value);
  if (!isFree.ok) return isFree;
  const noted = await openPromises(host.runs);
  if (!noted.ok) return noted;
  const others = ofOthers(noted.value, runId, vmId);
  const alone = checkRival(others, vmId);
  if (!alone.ok) return alone;
  const own = await host.runs.read(runId, vmId);
  if (!own.ok) return own;
  const wanted = { ...own.value, room: { folder: place.value.folder, roomBytes, memoryBytes } };

  const root = rootOf(host, place.value.folder);
  const facts = await host.client.call('read-host', { Roots: [root] }, { vmId });
  if (!facts.ok) return facts;
  const freeBytes = facts.value.volumes[0]?.freeBytes ?? 0;
  const reservedBytes = promisedBytes(others, root);
  const neededBytes = (await asOpen(wanted)).room?.roomBytes ?? 0;
  if (freeBytes - reservedBytes < neededBytes)
    return refuse(
      'NotEnoughRoom',
      vmId,
      `${root} has ${freeBytes} bytes free, ${reservedBytes} of them promised to other runs; ${neededBytes} are needed.`,
    );
  const fits = checkMemory(facts.value.memoryFreeBytes, others, vmId, memoryBytes);
  if (!fits.ok) return fits;
  await host.runs.write(wanted);
  return succeeded({ freeBytes });
};

/** Whether another run has a promise for the same VM. */
function checkRival(others: readonly RunFile[], vmId: VmId): Outcome<void> {
  const rival = others.find((one) => one.vmId === vmId && one.room !== null);
  return rival === undefined
    ? succeeded(undefined)
    : refuse('VmBusy', vmId, `Run ${rival.runId} has reserved room for VM ${vmId} here.`);
}

function checkMemory(freeBytes: number, others: readonly RunFile[], vmId: VmId, memoryBytes: number): Outcome<void> {
  const leftBytes = freeBytes - promisedMemoryBytes(others);
  return leftBytes >= memoryBytes
    ? succeeded(undefined)
    : refuse('NotEnoughMemory', vmId, `The host has ${leftBytes} bytes of memory free; ${memoryBytes} are needed.`);
}

/** Promises memory alone, for a VM whose files stay where they are, in `folder`. */
export async function reserveMemory(
  host: RealHost,
  runId: RunId,
  { vmId, folder, memoryBytes }: { readonly vmId: VmId; readonly folder: string; readonly memoryBytes: number },
): Promise<Outcome<void>> {
  const noted = await openPromises(host.runs);
  if (!noted.ok) return noted;
  const others = ofOthers(noted.value, runId, vmId);
  const alone = checkRival(others, vmId);
  if (!alone.ok) return alone;
  const facts = await host.client.call('read-host', { Roots: [...host.roots] }, { vmId });
  if (!facts.ok) return facts;
  const fits = checkMemory(facts.value.memoryFreeBytes, others, vmId, memoryBytes);
  if (!fits.ok) return fits;
  const own = await host.runs.read(runId, vmId);
  if (!own.ok) return own;
  await host.runs.write({ ...own.value, room: { folder, roomBytes: 0, memoryBytes } });
  return succeeded(undefined);
}
