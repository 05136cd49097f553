import { succeeded } from '../../../../contracts/failure';
import { diskFactsOf } from '../facts';
import type { Handler } from '../host';
import { refuse } from '../../refuse';
import { reservedVm } from '../refusals';
import { changedBytesSince } from '../tracking/tracker';
import { lastPointOf, pointOf } from './begin-round';
import { mergeVmCheckpoint } from './remove-vm-checkpoint';

/**
 * The destination has what this round copied. With change tracking the VM checkpoint of the round is merged back and its reference point
 * stays; without, the differencing disks stay, since they are what tells. Points of earlier rounds are not needed any more.
 */
export const endRound: Handler<'end-round'> = async (host, context, { vmId, round }) => {
  const { runId } = context;
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const point = pointOf(reserved.value, runId, round);
  if (point === undefined)
    return refuse('VmStateWrong', vmId, `Round ${round} of VM ${reserved.value.name} has not begun.`);
  const isTracked = point.disks.some((disk) => disk.trackingId !== null);
  const merged = isTracked ? await mergeVmCheckpoint(host, context, vmId) : succeeded({});
  if (!merged.ok) return merged;
  await host.reached('round-merged');
  const vm = host.state.vm(vmId) ?? reserved.value;
  const referencePoints = vm.referencePoints.filter((one) => one.runId !== runId || one.round >= round);
  await host.state.saveVm({ ...vm, referencePoints });
  return succeeded({});
};

/** Reads only, so that it tells how far the guest has got while it goes on. */
export const lookAtChanges: Handler<'look-at-changes'> = async (host, { runId }, { vmId }) => {
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const point = lastPointOf(vm, runId);
  if (point === undefined) return refuse('VmStateWrong', vmId, `VM ${vm.name} has no reference point of run ${runId}.`);
  const disks = await diskFactsOf(host, vm);
  if (!disks.ok) return disks;
  let changedBytes = 0;
  for (const disk of disks.value) {
    const trackingId = point.disks.find((one) => one.diskId === disk.diskId)?.trackingId ?? null;
    changedBytes +=
      trackingId === null
        ? (disk.images.at(-1)?.allocatedBytes ?? 0)
        : ((await changedBytesSince(host.layout.trackingFile(vmId, disk.diskId), trackingId)) ?? disk.virtualSizeBytes);
  }
  return succeeded({ changedBytes });
};
