import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import { isMarkedBy, removeHome } from '../../home/made';
import { isAtOrBelow } from '../../paths';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { diskIdOf, stateOf } from '../facts';
import type { Handler, RealHost } from '../host';
import { carryOut, type Move } from '../moves/job';
import { checkNames } from '../moves/names';
import { pathsOf } from '../inspect/storage';
import { placeBelow, type Place } from '../placing';
import type { MoveNote } from '../move-note';
import { isAsBefore, leftBehind, stopJob } from './move-between-hosts';
import { placeVm } from './placeholder';

/** The files of a running VM go to another folder of this host, into one that this run made and marked. */
export const moveStorage: Handler<'move-storage'> = async (host, context, { vmId, folder }) => {
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const { home } = place.value;
  return carryOut(host, context, {
    vmId,
    asked: { how: 'storage', peerHost: null, home, switchName: null },
    prepare: async (vm) => {
      const named = checkNames(vm);
      if (!named.ok) return named;
      const cleared = await clear(host, context.runId, vm, place.value);
      if (!cleared.ok) return cleared;
      const placed = await placeVm(host, context, { vmId, vmName: vm.name, folder });
      return placed.ok ? succeeded(undefined) : placed;
    },
    start: (JobsBefore) => host.client.call('start-storage-move', { VmId: vmId, Folder: home, JobsBefore }, { vmId }),
    stop: stopJob(host, vmId),
    where: whereIs(home),
    finish: async (note, vm) => [...(vm === undefined ? [] : movedDisks(note, vm)), ...(await leftBehind(note))],
  });
};

/** What an earlier attempt of this run left in the folder: Hyper-V overwrites no file. */
async function clear(host: RealHost, runId: RunId, vm: VmValue, { home }: Place): Promise<Outcome<void>> {
  if (!(await isMarkedBy(home, runId, vm.id))) return succeeded(undefined);
  if (pathsOf(vm).some((path) => isAtOrBelow(home, path)))
    return refuse('VmStateWrong', vm.id, `Some files of VM ${vm.name} are in ${home} already, and some are not.`);
  await removeHome(home, runId, true);
  return succeeded(undefined);
}

const whereIs =
  (home: string): Move['where'] =>
  (note, vm) => {
    if (vm === undefined) return 'in-between';
    if (pathsOf(vm).every((path) => isAtOrBelow(home, path))) return stateOf(vm) === 'running' ? 'moved' : 'in-between';
    return isAsBefore(note, vm) ? 'as-before' : 'in-between';
  };

const movedDisks = ({ from }: MoveNote, vm: VmValue): string[] =>
  vm.disks.flatMap((disk) => {
    const before = from.disks.find(({ diskId }) => diskId === diskIdOf(disk));
    return before === undefined || before.path === disk.path
      ? []
      : [`Disk ${before.diskId} was ${before.path} and is now ${disk.path}.`];
  });
