import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import type { OperationOutput } from '../../../../contracts/operations';
import { isoTime } from '../../../clock';
import { openImage } from '../../../disks/open-image';
import { vmSizes } from '../facts';
import { changeDisks } from '../guests';
import type { Handler, SimulatedHost } from '../host';
import { dataWriteIdOf, makeDifferencing } from '../images';
import { layerPath, layersOf } from '../layers';
import type { ReferencePoint, VmCheckpointRecord, VmRecord } from '../records';
import { afterwards } from '../../afterwards';
import { refuse } from '../../refuse';
import { reservedVm } from '../refusals';
import { guidOf } from '../seeded';
import { coalesced, type Range } from '../../home/ranges';
import { dataBytesWithin, readRound, saveRound } from '../../home/rounds';
import { trackedDiskOf, tracksChanges } from '../tracking/tracked-disk';
import { advanceTracking } from '../tracking/tracker';
import { freeze, roomForLayers, vmCheckpointOf } from './take-vm-checkpoint';

export const pointOf = (vm: VmRecord, run: RunId, round: number): ReferencePoint | undefined =>
  vm.referencePoints.find((point) => point.runId === run && point.round === round);

export const lastPointOf = (vm: VmRecord, run: RunId): ReferencePoint | undefined =>
  vm.referencePoints.findLast((point) => point.runId === run);

/**
 * The image of a disk that a round reads. With change tracking, the disk below the VM checkpoint, or the disk itself once its VM stands
 * still; without it, the differencing disk that was written since the round before.
 */
export function roundImagePath(
  vm: VmRecord,
  run: RunId,
  point: ReferencePoint,
  attached: VmRecord['disks'][number],
): string {
  const { diskId, path } = attached;
  const frozen = vmCheckpointOf(vm, run)?.frozen.find((disk) => disk.diskId === diskId)?.path;
  if (frozen === undefined) return path;
  const isTracked = point.disks.find((disk) => disk.diskId === diskId)?.trackingId !== null;
  return isTracked || point.round === 0 ? frozen : layerPath(frozen, run, vm, diskId, point.round);
}

/**
 * Begins a round of pre-copy: from this moment on its content stands still, and what is written counts for the next one. Round 0 is the
 * whole disk. Of a VM that does not run nothing is put aside: its disks are the content. Where the tracking does not know the point any
 * more, the whole disk counts as changed.
 */
export const beginRound: Handler<'begin-round'> = async (host, { runId }, { vmId, round }) => {
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const known = pointOf(vm, runId, round);
  if (known !== undefined) {
    const last = checkLast(vm, runId, known);
    return last.ok ? afterwards(() => answer(host, vm, runId, round)) : last;
  }
  const orderly = checkOrder(vm, runId, round);
  if (!orderly.ok) return orderly;
  const taken = vmCheckpointOf(vm, runId);
  const note = (now: VmRecord): Promise<Outcome<VmRecord>> => withPoint(host, now, runId, round);
  const begun = await begin(host, vm, runId, taken, note);
  if (!begun.ok) return begun;
  await host.reached('round-begun');
  return afterwards(() => answer(host, begun.value, runId, round));
};

/** A fence comes before the last round, which has to have all that the VM wrote. One that began while the VM still ran has not. */
function checkLast(vm: VmRecord, run: RunId, point: ReferencePoint): Outcome<void> {
  const isLast = vm.disks.every((disk) => roundImagePath(vm, run, point, disk) === disk.path);
  if (isLast || vm.fencedBy !== run) return succeeded(undefined);
  return refuse(
    'VmStateWrong',
    vm.vmId,
    `Round ${point.round} of VM ${vm.name} began before the VM was stopped, and is not its last.`,
  );
}

function checkOrder(vm: VmRecord, runId: RunId, round: number): Outcome<void> {
  const last = lastPointOf(vm, runId);
  const expected = last === undefined ? 0 : last.round + 1;
  if (round !== expected)
    return refuse('VmStateWrong', vm.vmId, `Round ${round} cannot begin: the next of VM ${vm.name} is ${expected}.`);
  const taken = vmCheckpointOf(vm, runId);
  if (taken?.stage === 'merging')
    return refuse('VmStateWrong', vm.vmId, `The VM checkpoint of run ${runId} is being merged back.`);
  const isTracked = last?.disks.some((disk) => disk.trackingId !== null) === true;
  if (isTracked && taken?.stage === 'taken')
    return refuse('VmStateWrong', vm.vmId, `Round ${last.round} of VM ${vm.name} has not ended.`);
  return succeeded(undefined);
}

function begin(
  host: SimulatedHost,
  vm: VmRecord,
  runId: RunId,
  taken: VmCheckpointRecord | undefined,
  note: (vm: VmRecord) => Promise<Outcome<VmRecord>>,
): Promise<Outcome<VmRecord>> {
  if (vm.state !== 'running') return changeDisks(host, vm.vmId, () => keep(host, note(vm)));
  if (taken?.stage !== 'taken') return freeze(host, vm, runId, note);
  return addLayer(host, vm, runId, taken, note);
}

async function keep(host: SimulatedHost, noted: Promise<Outcome<VmRecord>>): Promise<Outcome<VmRecord>> {
  const vm = await noted;
  return vm.ok ? succeeded(await host.state.saveVm(vm.value)) : vm;
}

/** Without change tracking: what the guest wrote since the last round stands still below one more differencing disk. */
async function addLayer(
  host: SimulatedHost,
  vm: VmRecord,
  run: RunId,
  taken: VmCheckpointRecord,
  note: (vm: VmRecord) => Promise<Outcome<VmRecord>>,
): Promise<Outcome<VmRecord>> {
  const room = await roomForLayers(host, vm);
  if (!room.ok) return room;
  const added = await changeDisks(host, vm.vmId, async () => {
    const noted = await note(host.state.vm(vm.vmId) ?? vm);
    if (!noted.ok) return noted;
    const disks: VmRecord['disks'] = [];
    for (const { diskId, frozen, children } of layersOf(vm, run, taken)) {
      const target = await dataWriteIdOf(frozen);
      if (!target.ok) return target;
      const path = layerPath(frozen, run, vm, diskId, taken.layers + 1);
      // Merged into what is frozen in the end, over those below it.
      const made = await makeDifferencing(host, children.at(-1) ?? frozen, path, target.value);
      if (!made.ok) return made;
      disks.push({ diskId, path });
      await host.reached('vm-checkpoint-image-made');
    }
    const vmCheckpoints = noted.value.vmCheckpoints.map((one) =>
      one.runId === run ? { ...one, layers: taken.layers + 1 } : one,
    );
    return succeeded(await host.state.saveVm({ ...noted.value, disks, vmCheckpoints }));
  });
  return added.ok ? added : failed({ ...added.failure, effect: 'applied' });
}

/** The VM with the reference point of this round, what changed up to it written down. Its disks stand still and are closed. */
async function withPoint(host: SimulatedHost, vm: VmRecord, runId: RunId, round: number): Promise<Outcome<VmRecord>> {
  const before = lastPointOf(vm, runId);
  const isTracked = tracksChanges(host, vm.disks);
  const disks: ReferencePoint['disks'] = [];
  for (const { diskId, path } of vm.disks) {
    const since = before?.disks.find((disk) => disk.diskId === diskId);
    const change = await (isTracked
      ? trackedChange(host, vm, diskId, path, since?.trackingId ?? null)
      : layerChange(path));
    if (!change.ok) return change;
    const { trackingId, changed, dataWriteId, virtualSizeBytes } = change.value;
    const contentId = round === 0 ? dataWriteId : guidOf(runId, vm.vmId, diskId, `point-${round}`);
    disks.push({ diskId, trackingId, contentId });
    if (since === undefined) continue;
    const ranges = changed ?? [[0, virtualSizeBytes]];
    const record = {
      schema: 1 as const,
      since: { trackingId: since.trackingId, contentId: since.contentId },
      until: { trackingId, contentId },
      whole: changed === undefined,
      ranges: ranges.map(([offset, length]): [number, number] => [offset, length]),
    };
    await saveRound(host.layout.roundFile(runId, vm.vmId, round, diskId), record);
  }
  await host.reached('tracking-advanced');
  const createdAt = isoTime(host.clock.now());
  const point = { id: guidOf(runId, vm.vmId, `point-${round}`), runId, round, createdAt, disks };
  return succeeded({ ...vm, referencePoints: [...vm.referencePoints, point] });
}

type Change = {
  readonly trackingId: string | null;
  readonly changed: readonly Range[] | undefined;
  readonly dataWriteId: string;
  readonly virtualSizeBytes: number;
};

async function trackedChange(
  host: SimulatedHost,
  vm: VmRecord,
  diskId: VmRecord['disks'][number]['diskId'],
  path: string,
  since: string | null,
): Promise<Outcome<Change>> {
  const disk = await trackedDiskOf(path);
  if (!disk.ok) return disk;
  const file = host.layout.trackingFile(vm.vmId, diskId);
  return succeeded({ ...disk.value, ...(await advanceTracking(file, disk.value, since, host.newGuid)) });
}

/** All that a differencing disk holds was written since it was made. */
async function layerChange(path: string): Promise<Outcome<Change>> {
  const image = await openImage(path, { access: 'read' });
  if (!image.ok) return image;
  const { dataWriteId, virtualSizeBytes } = image.value.shape;
  const held = [...image.value.extents()].map((extent): Range => [extent.offsetBytes, extent.lengthBytes]);
  await image.value.close();
  return succeeded({ trackingId: null, changed: coalesced(held, virtualSizeBytes), dataWriteId, virtualSizeBytes });
}

async function answer(
  host: SimulatedHost,
  vm: VmRecord,
  runId: RunId,
  round: number,
): Promise<Outcome<OperationOutput<'begin-round'>>> {
  const sizes = await vmSizes(host, vm);
  if (!sizes.ok) return sizes;
  const point = pointOf(vm, runId, round);
  if (point === undefined) throw new Error('a round that has begun has a reference point');
  const changed: OperationOutput<'begin-round'>['changed'] = [];
  for (const disk of round === 0 ? [] : vm.disks) {
    const record = await readRound(host.layout.roundFile(runId, vm.vmId, round, disk.diskId));
    if (!record.ok) return record;
    const bytes = await dataBytesWithin(roundImagePath(vm, runId, point, disk), record.value.ranges);
    if (!bytes.ok) return bytes;
    changed.push({ diskId: disk.diskId, changedBytes: bytes.value, whole: record.value.whole });
  }
  const isTracked = point.disks.some((disk) => disk.trackingId !== null);
  return succeeded({ ...sizes.value, tracking: isTracked ? 'change-tracking' : 'differencing', changed });
}
