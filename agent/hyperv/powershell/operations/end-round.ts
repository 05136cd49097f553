import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { DriverContext } from '../../driver';
import { refuse } from '../../refuse';
import type { ReferencePointValue } from '../calls/rounds';
import type { VmValue } from '../calls/vm';
import { diskIdOf, disksOf, underWayOf } from '../facts';
import { reservedVm, type Handler, type RealHost } from '../host';
import { lastPoint, pointOf, type RoundNotes, type RoundPoint } from '../round-notes';
import type { RunFile } from '../run-files';
import { awaitMerge } from './await-merge';
import { removePoints } from './reference-points';
import { trackedChanges } from './round-changes';

/**
 * The destination has what this round copied. With change tracking its recovery checkpoint becomes a reference point, whose disks Hyper-V
 * merges; without, the differencing disks stay, since they are what tells. Points of earlier rounds go only after that.
 */
export const endRound: Handler<'end-round'> = async (host, context, { vmId, round }) => {
  const { runId } = context;
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const notes = noted.value.rounds;
  if (notes === null || pointOf(notes, round) === undefined)
    return refuse('VmStateWrong', vmId, `Round ${round} of VM ${vm.name} has not begun.`);
  const converted = await convert(host, noted.value, notes, vm, round);
  if (!converted.ok) return converted;
  const merged = converted.value.merging === null ? succeeded(undefined) : await awaitMerge(host, context, vm);
  if (!merged.ok) return merged;
  return forgetEarlier(host, context, vm, round);
};

/** The recovery checkpoint of the round as a reference point. Where Hyper-V made none of it, the next round counts everything. */
async function convert(
  host: RealHost,
  file: RunFile,
  notes: RoundNotes,
  vm: VmValue,
  round: number,
): Promise<Outcome<RunFile>> {
  if (notes.held?.round !== round) return succeeded(file);
  const { checkpointId } = notes.held;
  const about = { vmId: vm.id };
  // Hyper-V may still be at what an attempt that was cut short asked for.
  const busy = underWayOf(vm);
  if (busy !== null) return refuse('VmBusy', vm.id, `VM ${vm.name} is busy: ${busy}.`);
  let now = file;
  let before = notes.converting?.before;
  if (before === undefined) {
    const read = await host.client.call('read-reference-points', { VmId: vm.id }, about);
    if (!read.ok) return read;
    before = read.value.points.map(({ id }) => id);
    // Without a VM checkpoint above it, the files that the VM writes since are the last of each chain.
    const merging = vm.disks.map(({ path }) => path);
    now = await host.runs.write({ ...file, rounds: { ...notes, converting: { before } }, merging });
  }
  const asked = { VmId: vm.id, CheckpointId: checkpointId, Before: before };
  const converted = await host.client.call('convert-checkpoint', asked, about);
  if (!converted.ok) return converted;
  const { points, vm: after } = converted.value;
  if (after.checkpoints.some(({ id }) => id === checkpointId))
    return refuse('VmBusy', vm.id, `Hyper-V has yet to remove the recovery checkpoint of round ${round}.`);
  const made = points.length === 1 ? points[0] : undefined;
  if (made === undefined)
    host.log(`VM ${vm.name} has ${points.length} new reference points after round ${round}: the next counts all of it`);
  const withIds = notes.points.map((point) => (point.round === round ? madeInto(point, made) : point));
  return succeeded(
    await host.runs.write({ ...now, rounds: { ...notes, held: null, converting: null, points: withIds } }),
  );
}

const madeInto = (point: RoundPoint, made: ReferencePointValue | undefined): RoundPoint => ({
  ...point,
  referencePointId: made?.id ?? null,
  disks: point.disks.map((disk) => ({
    ...disk,
    trackingId: made?.disks.find((one) => diskIdOf(one) === disk.diskId)?.trackingId ?? null,
  })),
});

/** Points before a round are not needed any more, unless the round has none of its own and its changes are told since an earlier one. */
async function forgetEarlier(
  host: RealHost,
  { runId }: DriverContext,
  { id }: VmValue,
  round: number,
): Promise<Outcome<Record<string, never>>> {
  const noted = await host.runs.read(runId, id);
  if (!noted.ok) return noted;
  const { rounds } = noted.value;
  if (rounds === null) return succeeded({});
  const isKept = (point: RoundPoint) => point.round >= round || pointOf(rounds, round)?.referencePointId === null;
  const gone = rounds.points.filter((point) => !isKept(point));
  const removed = await removePoints(host, id, gone);
  if (!removed.ok) return removed;
  await host.runs.write({ ...noted.value, merging: null, rounds: { ...rounds, points: rounds.points.filter(isKept) } });
  return succeeded({});
}

/** Reads only, so that it tells how far the guest has got while it goes on. */
export const lookAtChanges: Handler<'look-at-changes'> = async (host, { runId }, { vmId }) => {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { rounds } = noted.value;
  const point = lastPoint(rounds);
  if (rounds === null || point === undefined)
    return refuse('VmStateWrong', vmId, `VM ${vm.name} has no reference point of run ${runId}.`);
  const disks = disksOf(vm);
  if (rounds.tracking === 'differencing')
    return succeeded({
      changedBytes: disks.reduce((sum, { images }) => sum + (images.at(-1)?.allocatedBytes ?? 0), 0),
    });
  const looked = await trackedChanges(
    host,
    vm,
    point,
    disks.map((disk) => ({ disk, imagePath: disk.path })),
  );
  if (!looked.ok) return looked;
  const ofDisk = (at: number) =>
    looked.value[at]?.reduce((sum, [, length]) => sum + length, 0) ?? disks[at]?.virtualSizeBytes ?? 0;
  return succeeded({ changedBytes: disks.reduce((sum, _, at) => sum + ofDisk(at), 0) });
};
