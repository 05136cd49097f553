import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import type { VmNeeds } from '../../../../contracts/operations/moves';
import { roomForFilesBytes } from '../../../../contracts/room';
import { hadEffect } from '../../afterwards';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { findVm, type Handler, type RealHost } from '../host';
import { marksIn } from '../marks';
import { checkNeeds } from '../moves/admission';
import { isUnderWay, lookAtMove } from '../moves/looks';
import { placeVm, removePlaceholder } from './placeholder';
import { reserveMemory, reserveRoom } from './reserve-room';

/** Files go into a folder that this run made and marked, so that what a failed move leaves there can be told from what is anybody else's. */
export const admitVm: Handler<'admit-vm'> = async (host, context, { vmId, needs, brings }) => {
  const checked = await checkNeeds(host, vmId, needs, brings);
  if (!checked.ok) return checked;
  const { memoryBytes, vmName } = needs;
  if (brings.type !== 'files') {
    const folder = needs.storage?.folder ?? host.roots[0] ?? '';
    const promised = await reserveMemory(host, context.runId, { vmId, folder, memoryBytes });
    if (!promised.ok) return promised;
    const noted = await noteLun(host, context.runId, vmId, needs);
    return noted.ok ? noted : failed(hadEffect(noted.failure));
  }
  const { folder } = brings;
  const room = { vmId, folder, roomBytes: roomForFilesBytes(needs.fileBytes), memoryBytes };
  const reserved = await reserveRoom(host, context, room);
  if (!reserved.ok) return reserved;
  const placed = await placeVm(host, context, { vmId, vmName, folder });
  return placed.ok ? placed : failed(hadEffect(placed.failure));
};

/** A VM that brings its LUN: how it is mounted, the source has told. A LUN that was taken already is left as it is noted. */
async function noteLun(
  host: RealHost,
  runId: RunId,
  vmId: VmId,
  { storage }: VmNeeds,
): Promise<Outcome<Record<string, never>>> {
  if (storage?.type !== 'lun' || storage.mountPath === undefined) return succeeded({});
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { name, mountPath, folder: home } = storage;
  const lun = noted.value.lun ?? { name, mountPath, home, stage: 'promised' as const, wasReadOnly: true };
  await host.runs.write({ ...noted.value, lun });
  return succeeded({});
}

/** Where the VM is now nothing is taken away: neither its files nor the promise that it lives on. */
export const withdrawVm: Handler<'withdraw-vm'> = async (host, context, { vmId }) => {
  const { runId } = context;
  const here = await checkNotHere(host, runId, vmId);
  if (!here.ok) return here;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { placed, room, lun } = noted.value;
  if (lun !== null && lun.stage !== 'promised')
    return refuse('LunBusy', vmId, `LUN ${lun.name} was not given back by this host yet.`);
  if (placed !== null) {
    const removed = await removePlaceholder(host, context, { vmId, folder: room?.folder ?? placed.home });
    if (!removed.ok) return removed;
  }
  const left = await host.runs.read(runId, vmId);
  if (!left.ok) return left;
  await host.runs.forget(left.value);
  return succeeded({});
};

/** What Hyper-V planned for a move that failed goes; a move that is under way is waited for by whoever asks again. */
async function checkNotHere(host: RealHost, run: RunId, vmId: VmId): Promise<Outcome<VmValue | undefined>> {
  const move = await lookAtMove(host, vmId);
  if (!move.ok) return move;
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  if (vm !== undefined && marksIn(vm.notes).reservedBy === run)
    return refuse('RefusedAfterStart', vmId, `VM ${vm.name} is on this host: run ${run} brought it here.`);
  if (isUnderWay(move.value)) return refuse('MoveUnsettled', vmId, `Hyper-V moves VM ${vmId} to this host still.`);
  if (!move.value.isPlanned) return found;
  const removed = await host.client.call('remove-planned-vm', { VmId: vmId }, { vmId });
  return removed.ok ? found : removed;
}
