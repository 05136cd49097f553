import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { afterwards } from '../../afterwards';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { disksOf, isMerging, sizesOf, underWayOf } from '../facts';
import { checkpointNameOf, checkpointOf, checkpointsOf, runOfCheckpoint } from '../checkpoints';
import { findVm, reservedVm, type Handler, type RealHost } from '../host';
import { marksIn } from '../marks';
import type { RoundNotes } from '../round-notes';
import type { RunFile } from '../run-files';
import { awaitMerge } from './await-merge';
import { removeLostPoint, removePoints } from './reference-points';

/** A VM checkpoint under the run's name, of the type that the VM is set to. A repeat finds it. */
export const takeVmCheckpoint: Handler<'take-vm-checkpoint'> = async (host, { runId }, { vmId }) => {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (isMerging(vm)) return refuse('VmBusy', vmId, `A VM checkpoint of VM ${vm.name} is being merged.`);
  if (marksIn(vm.notes).fencedBy !== null)
    return refuse('VmFenced', vmId, `VM ${vm.name} is fenced by this run: its disks do not change.`);
  if (checkpointOf(vm, runId) !== undefined) return afterwards(() => sizesOf(vm));
  const Name = checkpointNameOf(runId);
  const taken = await host.client.call('take-checkpoint', { VmId: vmId, Name }, { vmId });
  return taken.ok ? afterwards(() => sizesOf(taken.value)) : taken;
};

/**
 * Removes every VM checkpoint of the run and waits until Hyper-V has merged its disks, which it does by itself while the VM runs. Then the
 * reference points go: all that pre-copy left at the source.
 */
export const removeVmCheckpoint: Handler<'remove-vm-checkpoint'> = async (host, context, { vmId }) => {
  const { runId } = context;
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  if (vm === undefined) return succeeded({});
  // One that the run asked for and nobody heard the end of would appear after this.
  if (underWayOf(vm) === 'vm-checkpoint')
    return refuse('VmBusy', vmId, `A VM checkpoint of VM ${vm.name} is being taken.`);
  const own = checkpointsOf(vm, runId, noted.value.rounds);
  if (own.length > 0 || noted.value.merging !== null) {
    const { fencedBy } = marksIn(vm.notes);
    if (fencedBy !== null) return refuse('VmFenced', vmId, `Run ${fencedBy} has fenced VM ${vm.name}.`);
    const removed = await removeEach(host, vm, noted.value, own);
    if (!removed.ok) return removed;
    const merged = await awaitMerge(host, context, vm);
    if (!merged.ok) return merged;
  }
  return forgetRounds(host, runId, vmId);
};

/** The newest first, so that none stands on another when it goes. */
async function removeEach(
  host: RealHost,
  vm: VmValue,
  file: RunFile,
  own: VmValue['checkpoints'],
): Promise<Outcome<void>> {
  if (own.length === 0) return succeeded(undefined);
  const ids = own.map(({ id }) => id);
  if (vm.checkpoints.some(({ id, parentId }) => !ids.includes(id) && ids.includes(parentId)))
    return refuse('VmStateWrong', vm.id, `Another VM checkpoint stands on that of run ${file.runId}: remove it first.`);
  await host.runs.write({ ...file, merging: goingFiles(vm, file.rounds) });
  for (const { id, name } of newestFirst(own)) {
    const about = { vmId: vm.id };
    const removed = await (runOfCheckpoint(name) === file.runId
      ? host.client.call('remove-checkpoint', { VmId: vm.id, Name: name }, about)
      : host.client.call('remove-recovery-checkpoint', { VmId: vm.id, CheckpointId: id }, about));
    if (!removed.ok) return removed;
  }
  return succeeded(undefined);
}

function newestFirst(own: VmValue['checkpoints']): VmValue['checkpoints'] {
  const isParent = (id: string, among: VmValue['checkpoints']) => among.some(({ parentId }) => parentId === id);
  const sorted: VmValue['checkpoints'] = [];
  for (let left = own; left.length > 0;) {
    const leaves = left.filter(({ id }) => !isParent(id, left));
    if (leaves.length === 0) return [...sorted, ...left];
    sorted.push(...leaves);
    left = left.filter((one) => !leaves.includes(one));
  }
  return sorted;
}

/** Without a VM checkpoint above them, what the VM writes since: the last file of each chain, with rounds all above what they copied first. */
function goingFiles(vm: VmValue, rounds: RoundNotes | null): string[] {
  return disksOf(vm).flatMap(({ diskId, path, images }) => {
    const copied = rounds?.copied.find((one) => one.diskId === diskId)?.path;
    const at = images.findIndex((image) => image.path === copied);
    return at === -1 ? [path] : images.slice(at + 1).map((image) => image.path);
  });
}

async function forgetRounds(host: RealHost, runId: RunId, vmId: VmId): Promise<Outcome<Record<string, never>>> {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { rounds } = noted.value;
  if (rounds !== null) {
    const removed = await removePoints(host, vmId, rounds.points);
    if (!removed.ok) return removed;
    const lost = await removeLostPoint(host, vmId, rounds);
    if (!lost.ok) return lost;
    await host.runs.removeRounds(runId, vmId);
  }
  if (rounds !== null || noted.value.merging !== null)
    await host.runs.write({ ...noted.value, merging: null, rounds: null });
  return succeeded({});
}
