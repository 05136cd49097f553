import { succeeded } from '../../../../contracts/failure';
import { refuse } from '../../refuse';
import type { Handler } from '../host';
import { checkPlace, placeBelow, rootOf } from '../placing';
import { asOpen, ofOthers, openPromises, promisedBytes, promisedMemoryBytes } from '../promises';

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
  const rival = others.find((one) => one.vmId === vmId && one.room !== null);
  if (rival !== undefined) return refuse('VmBusy', vmId, `Run ${rival.runId} has reserved room for VM ${vmId} here.`);
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
  const memoryFreeBytes = facts.value.memoryFreeBytes - promisedMemoryBytes(others);
  if (memoryFreeBytes < memoryBytes)
    return refuse(
      'NotEnoughMemory',
      vmId,
      `The host has ${memoryFreeBytes} bytes of memory free; ${memoryBytes} are needed.`,
    );
  await host.runs.write(wanted);
  return succeeded({ freeBytes });
};
