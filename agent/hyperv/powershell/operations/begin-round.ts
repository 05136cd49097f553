import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import type { OperationOutput } from '../../../../contracts/operations';
import { dataBytesWithin, readRound } from '../../home/rounds';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { checkpointNameOf, checkpointsOf } from '../checkpoints';
import { isChanging, sizesOf, stateOf, underWayOf } from '../facts';
import { reservedVm, type Handler, type RealHost } from '../host';
import { marksIn } from '../marks';
import { lastPoint, noRounds, pointOf, type RoundNotes, type RoundPoint } from '../round-notes';
import type { RunFile } from '../run-files';
import { pointDisksOf } from './round-changes';
import { checkLast } from './still-images';

type Begun = { readonly vm: VmValue; readonly file: RunFile; readonly notes: RoundNotes };

/**
 * Begins a round of pre-copy: from this moment on its content stands still, and what is written counts for the next one. While the VM runs
 * it stands still below a VM checkpoint; of a VM that does not run nothing is put aside. What Hyper-V is to make is noted before, what it
 * made and what changed after: a repeat goes on where the first attempt was cut short.
 */
export const beginRound: Handler<'begin-round'> = async (host, { runId }, { vmId, round }) => {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const known = pointOf(noted.value.rounds, round);
  if (known !== undefined) return answer(host, vm, noted.value, known);
  const orderly = checkOrder(vm, runId, noted.value.rounds, round);
  if (!orderly.ok) return orderly;
  const notes = noted.value.rounds === null ? await firstNotes(host, vm) : succeeded(noted.value.rounds);
  if (!notes.ok) return notes;
  const begun = { vm, file: noted.value, notes: notes.value };
  const isHeld = stateOf(vm) === 'running' || isPutAside(begun);
  const held = isHeld ? await hold(host, begun, round) : succeeded(begun);
  if (!held.ok) return held;
  const done = await notePoint(host, held.value, round);
  return done.ok ? done : failed({ ...done.failure, effect: 'applied' });
};

function checkOrder(vm: VmValue, run: RunId, notes: RoundNotes | null, round: number): Outcome<void> {
  const { id, name } = vm;
  const expected = (lastPoint(notes)?.round ?? -1) + 1;
  if (round !== expected)
    return refuse('VmStateWrong', id, `Round ${round} cannot begin: the next of VM ${name} is ${expected}.`);
  const { held } = notes ?? noRounds('differencing');
  if (held !== null && held.round !== round)
    return refuse('VmStateWrong', id, `Round ${held.round} of VM ${name} has not ended.`);
  if (isChanging(vm)) return refuse('VmBusy', id, `VM ${name} is ${vm.state}.`);
  const busy = underWayOf(vm);
  if (busy !== null) return refuse('VmBusy', id, `VM ${name} is busy: ${busy}.`);
  const own = checkpointsOf(vm, run, notes);
  const other = vm.checkpoints.find((one) => !own.includes(one));
  if (other === undefined) return succeeded(undefined);
  return other.type === 'Recovery'
    ? refuse('VmBusy', id, `A backup holds the recovery checkpoint "${other.name}" of VM ${name}.`)
    : refuse('VmStateWrong', id, `Somebody took the VM checkpoint "${other.name}" of VM ${name}: remove it first.`);
}

/** Of a VM that stopped since an attempt was cut short: what that attempt put aside is what the round reads. */
const isPutAside = ({ vm, file, notes }: Begun): boolean =>
  notes.held !== null || (notes.taking !== null && checkpointsOf(vm, file.runId, notes).some(isRecovery));

const isRecovery = ({ type }: VmValue['checkpoints'][number]): boolean => type === 'Recovery';

/**
 * Reference points came with version 6.2 of the configuration, and only a VHDX is tracked; of an older VM, and of one with a VHD,
 * differencing disks tell what changed.
 */
const trackedFrom = 6.2;

async function firstNotes(host: RealHost, vm: VmValue): Promise<Outcome<RoundNotes>> {
  const read = await host.client.call('read-reference-points', { VmId: vm.id }, { vmId: vm.id });
  if (!read.ok) return read;
  const formats = vm.disks.flatMap(({ images }) => images.map(({ format }) => format));
  const isTracked =
    read.value.tracking && Number.parseFloat(vm.version) >= trackedFrom && formats.every((format) => format === 'VHDX');
  return succeeded(noRounds(isTracked ? 'change-tracking' : 'differencing'));
}

const hold = (host: RealHost, begun: Begun, round: number): Promise<Outcome<Begun>> =>
  begun.notes.tracking === 'differencing' ? addLayer(host, begun, round) : takeRecovery(host, begun, round);

/** Without change tracking: what the guest wrote since the last round stands still below one more VM checkpoint. */
async function addLayer(host: RealHost, { vm, file, notes }: Begun, round: number): Promise<Outcome<Begun>> {
  if (marksIn(vm.notes).fencedBy !== null)
    return refuse('VmFenced', vm.id, `VM ${vm.name} is fenced by this run: its disks do not change.`);
  const Name = checkpointNameOf(file.runId, round);
  const taken = await host.client.call('take-checkpoint', { VmId: vm.id, Name }, { vmId: vm.id });
  return taken.ok ? succeeded({ vm: taken.value, file, notes }) : taken;
}

async function takeRecovery(host: RealHost, begun: Begun, round: number): Promise<Outcome<Begun>> {
  const { vm, file, notes } = begun;
  const { id } = vm;
  if (notes.held !== null)
    return vm.checkpoints.some((taken) => taken.id === notes.held?.checkpointId)
      ? succeeded(begun)
      : refuse('VmStateWrong', id, `Somebody removed the recovery checkpoint of round ${round} of VM ${vm.name}.`);
  const before = notes.taking?.round === round ? notes.taking.before : vm.checkpoints.map((taken) => taken.id);
  await host.runs.write({ ...file, rounds: { ...notes, taking: { round, before } } });
  const asked = { VmId: id, Name: checkpointNameOf(file.runId, round), Before: before };
  const taken = await host.client.call('take-recovery-checkpoint', asked, { vmId: id });
  if (!taken.ok) {
    // Another's that comes now must not be taken for this run's.
    const isNew = notes.taking === null && taken.failure.effect === 'none';
    if (isNew) await host.runs.write({ ...file, rounds: file.rounds });
    return taken;
  }
  const held = { ...notes, taking: null, held: { round, checkpointId: taken.value.checkpointId } };
  await host.runs.write({ ...file, rounds: held });
  return succeeded({ vm: taken.value.vm, file, notes: held });
}

/** What changed up to this moment, disk by disk, and then the point itself. */
async function notePoint(
  host: RealHost,
  { vm, file, notes }: Begun,
  round: number,
): Promise<Outcome<OperationOutput<'begin-round'>>> {
  const disks = await pointDisksOf(host, file, vm, notes, round);
  if (!disks.ok) return disks;
  const point = { round, referencePointId: null, disks: disks.value };
  const copied = notes.copied.length > 0 ? notes.copied : disks.value.map((one) => ({ ...one, path: one.imagePath }));
  const rounds = {
    ...notes,
    taking: null,
    points: [...notes.points, point],
    copied: copied.map(({ diskId, path }) => ({ diskId, path })),
  };
  const written = await host.runs.write({ ...file, rounds });
  return answer(host, vm, written, point);
}

async function answer(
  host: RealHost,
  vm: VmValue,
  { runId, rounds }: RunFile,
  point: RoundPoint,
): Promise<Outcome<OperationOutput<'begin-round'>>> {
  const sizes = sizesOf(vm);
  if (!sizes.ok) return sizes;
  const last = checkLast(vm, runId, sizes.value.disks, point);
  if (!last.ok) return last;
  const tracking = rounds?.tracking ?? 'differencing';
  if (point.round === 0) return succeeded({ ...sizes.value, tracking, changed: [] });
  const changed: OperationOutput<'begin-round'>['changed'] = [];
  for (const { diskId, imagePath } of point.disks) {
    const record = await readRound(host.runs.roundFile(runId, vm.id, point.round, diskId));
    if (!record.ok) return record;
    const bytes = await dataBytesWithin(imagePath, record.value.ranges);
    if (!bytes.ok) return bytes;
    changed.push({ diskId, changedBytes: bytes.value, whole: record.value.whole });
  }
  return succeeded({ ...sizes.value, tracking, changed });
}
