import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import type { PullSubject } from '../../../contracts/operations';
import type { ServedFile } from '../driver';
import { refuse } from '../refuse';
import { disksOf, isMerging, stateOf } from './facts';
import { checkpointOf, reservedVm, type RealHost } from './host';
import { marksIn } from './marks';
import type { VmValue } from './calls/vm';

/**
 * The file that the byte route may serve. An image is served while it stands still: below the VM checkpoint while the VM runs, the last
 * one too once it is saved.
 */
export async function locateForReading(
  host: RealHost,
  run: RunId,
  vmId: VmId,
  subject: PullSubject,
): Promise<Outcome<ServedFile>> {
  const reserved = await reservedVm(host, run, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  switch (subject.type) {
    case 'image':
      return locateImage(run, vm, subject);
    case 'file':
      return subject.file === 'memory'
        ? locateMemory(host, run, vm)
        : refuse('NotFound', vmId, `The configuration of VM ${vm.name} was not exported by run ${run}.`);
    case 'changes':
    case 'ranges':
      return failed(
        failureOf('DriverLacksOperation', { message: `${subject.type} of a disk: not supported by this driver yet.` }),
      );
  }
}

function locateImage(
  run: RunId,
  vm: VmValue,
  { diskId, index }: Extract<PullSubject, { type: 'image' }>,
): Outcome<ServedFile> {
  if (isMerging(vm)) return refuse('VmStateWrong', vm.id, `VM ${vm.name} merges its disks: its images change.`);
  const disk = disksOf(vm).find((one) => one.diskId === diskId);
  if (disk === undefined) return refuse('NotFound', vm.id, `VM ${vm.name} has no disk ${diskId}.`);
  const image = disk.images[index];
  if (image === undefined)
    return refuse('NotFound', vm.id, `Disk ${diskId} has ${disk.images.length} images, none with index ${index}.`);
  if (stateOf(vm) === 'running' && index === disk.images.length - 1)
    return refuse('VmStateWrong', vm.id, `VM ${vm.name} still writes image ${index} of ${diskId}.`);
  const isStill = checkpointOf(vm, run) !== undefined || marksIn(vm.notes).fencedBy === run;
  if (!isStill) return refuse('VmStateWrong', vm.id, `VM ${vm.name} has no VM checkpoint of run ${run}.`);
  return succeeded({ path: image.path });
}

async function locateMemory(host: RealHost, run: RunId, vm: VmValue): Promise<Outcome<ServedFile>> {
  const noted = await host.runs.read(run, vm.id);
  if (!noted.ok) return noted;
  const { stop } = noted.value;
  if (stateOf(vm) === 'saved' && stop?.how === 'saved' && stop.resumedAt === null)
    return succeeded({ path: vm.runtimeStatePath });
  return refuse('VmStateWrong', vm.id, `VM ${vm.name} is ${stateOf(vm)}; this run has not saved it.`);
}
