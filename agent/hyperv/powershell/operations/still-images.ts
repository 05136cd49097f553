import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { DiskFacts } from '../../../../contracts/facts';
import type { RunId } from '../../../../contracts/ids';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { checkpointNameOf } from '../checkpoints';
import { sizesOf, stateOf } from '../facts';
import { marksIn } from '../marks';
import { lastPoint, type RoundNotes, type RoundPoint } from '../round-notes';

/** A disk, and the image of it that a round reads: `depth` images stand below that one. */
export type StillImage = { readonly disk: DiskFacts; readonly imagePath: string; readonly depth: number };

/**
 * The image of each disk that a round reads: below the round's VM checkpoint where there is one, also of a VM that was stopped since it was
 * taken; the last one of a VM that stands still without. It has to be the image that carries on what the round before read. Another, since
 * somebody took a VM checkpoint or a backup left one unmerged, would not hold what was written between: refused with VmStateWrong. A disk
 * whose chain cannot be told is the failure that its error means.
 */
export function stillImagesOf(vm: VmValue, run: RunId, notes: RoundNotes, round: number): Outcome<StillImage[]> {
  const sizes = sizesOf(vm);
  if (!sizes.ok) return sizes;
  const isAside = notes.tracking === 'change-tracking' ? notes.held !== null : hasLayer(vm, run, round);
  if (!isAside && stateOf(vm) === 'running')
    return refuse('VmBusy', vm.id, `VM ${vm.name} has yet to show the VM checkpoint of round ${round}.`);
  const before = lastPoint(notes);
  const images: StillImage[] = [];
  for (const disk of sizes.value.disks) {
    const depth = disk.images.length - (isAside ? 2 : 1);
    const imagePath = disk.images[depth]?.path;
    const since = before?.disks.find(({ diskId }) => diskId === disk.diskId);
    const isNext = before === undefined || depth === nextDepth(vm, run, notes, before, since?.depth);
    if (imagePath === undefined || !isNext)
      return refuse(
        'VmStateWrong',
        vm.id,
        `The chain of disk ${disk.diskId} of VM ${vm.name} is not as round ${round - 1} left it: somebody changed its VM checkpoints or its disks.`,
      );
    images.push({ disk, imagePath, depth });
  }
  return succeeded(images);
}

/** With change tracking always the same image; without, the one above where a VM checkpoint closed the one that was read before. */
function nextDepth(
  vm: VmValue,
  run: RunId,
  { tracking }: RoundNotes,
  { round }: RoundPoint,
  depth: number | undefined,
): number | undefined {
  if (depth === undefined || tracking === 'change-tracking') return depth;
  return hasLayer(vm, run, round) ? depth + 1 : depth;
}

const hasLayer = (vm: VmValue, run: RunId, round: number): boolean =>
  vm.checkpoints.some(({ name }) => name === checkpointNameOf(run, round));

/**
 * A fence comes before the last round, which has to have all that the VM wrote. One that began while the VM still ran has not: VmStateWrong.
 */
export function checkLast(
  vm: VmValue,
  run: RunId,
  now: readonly DiskFacts[],
  { round, disks }: Pick<RoundPoint, 'round' | 'disks'>,
): Outcome<void> {
  const isLast = now.every(({ diskId, images }) =>
    disks.some((one) => one.diskId === diskId && one.depth === images.length - 1),
  );
  if (isLast || marksIn(vm.notes).fencedBy !== run) return succeeded(undefined);
  return refuse(
    'VmStateWrong',
    vm.id,
    `Round ${round} of VM ${vm.name} began before the VM was stopped, and is not its last.`,
  );
}
