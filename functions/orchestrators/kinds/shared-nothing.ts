import type { RunInputOf } from '../../../contracts/migration';
import { itinerary, nothing, onceUnderWay, undo } from '../../saga/itinerary';
import { heartbeat, preflight, release, reserveVm } from '../common-phases';
import { admit, peerOf, settleBetweenHosts, toldOfMove } from '../hypervisor-moves';
import { at, onDestination, onSource, placeOf } from '../operations-of-a-run';
import { makeRole, removeRole, toldOfRole } from '../roles';

type Input = RunInputOf<'shared-nothing'>;

/**
 * Shared-nothing live migration: the hypervisor copies the disks of the running VM to the other host, mirrors what the guest writes
 * meanwhile, sends the memory over in passes, and hands the VM over. The source keeps nothing.
 */
export const sharedNothing = itinerary<Input>('shared-nothing', 3)
  .phase(preflight)
  .phase(reserveVm)
  .phase({
    name: 'describe',
    step: 'Prepare',
    what: 'Ask the source host what the VM needs: memory, room, processor features, switch.',
    do: onSource('describe-vm'),
    undo: nothing('it reads only'),
  })
  .phase({
    name: 'admit',
    step: 'Prepare',
    what: 'Check that the destination host can run the VM, and promise it memory and room.',
    do: (run, done) =>
      admit(run, done.describe, {
        type: 'files',
        folder: run.input.request.destinationFolder,
        switchName: run.input.request.destinationSwitch,
      }),
    undo: undo('take the promise back, with every file that a failed move left', onDestination('withdraw-vm')),
  })
  .phase({ ...removeRole, step: 'Prepare' })
  .phase({
    name: 'move',
    step: 'Transfer',
    what: 'Let the hypervisor move the running VM with its files. It rolls back by itself when it fails; then both hosts are asked where the VM is.',
    pivot: true,
    cancelable: true,
    load: onceUnderWay,
    *do(run) {
      const { destinationSwitch: switchName } = run.input.request;
      const moved = yield* at(run, 'source', 'move-whole', { ...placeOf(run), ...peerOf(run), switchName });
      return moved.ok || 'renew' in moved || moved.failure.effect === 'none'
        ? moved
        : yield* settleBetweenHosts(run, moved.failure);
    },
    undo: nothing('once the VM runs at the destination, it only goes forward'),
  })
  .phase(heartbeat)
  .phase(makeRole)
  .phase(release)
  .build((done, undone) => ({ ...toldOfMove(done.move, done.heartbeat), ...toldOfRole(done, undone) }));
