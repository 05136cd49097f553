import type { RunInputOf } from '../../../contracts/migration';
import { itinerary, nothing, onceUnderWay, undo } from '../../saga/itinerary';
import { heartbeat, preflight, release, reserveVm } from '../common-phases';
import { admit, peerOf, settleBetweenHosts, toldOfMove } from '../hypervisor-moves';
import { at, onDestination, onSource, vmOf } from '../operations-of-a-run';

type Input = RunInputOf<'live'>;

/**
 * Live migration: the hypervisor sends the memory of the running VM over in passes and hands it to the other host. The files stay where both
 * hosts reach them: on a shared volume of their cluster.
 */
export const live = itinerary<Input>('live', 2)
  .phase(preflight)
  .phase(reserveVm)
  .phase({
    name: 'describe',
    step: 'Prepare',
    what: 'Ask the source host what the VM needs: memory, processor features, switch, shared volume.',
    do: onSource('describe-vm'),
    undo: nothing('it reads only'),
  })
  .phase({
    name: 'admit',
    step: 'Prepare',
    what: 'Check that the destination host can run the VM, and promise it the memory.',
    do: (run, done) => admit(run, done.describe, { type: 'memory' }),
    undo: undo('take the promise back, with anything that a failed move left', onDestination('withdraw-vm')),
  })
  .phase({
    name: 'move',
    step: 'Transfer',
    what: 'Let the hypervisor move the running VM. It rolls back by itself when it fails; then both hosts are asked where the VM is.',
    pivot: true,
    cancelable: true,
    load: onceUnderWay,
    *do(run) {
      const moved = yield* at(run, 'source', 'move-live', { ...vmOf(run), ...peerOf(run) });
      return moved.ok || 'renew' in moved || moved.failure.effect === 'none'
        ? moved
        : yield* settleBetweenHosts(run, moved.failure);
    },
    undo: nothing('once the VM runs at the destination, it only goes forward'),
  })
  .phase(heartbeat)
  .phase(release)
  .build((done) => toldOfMove(done.move, done.heartbeat));
