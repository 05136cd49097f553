import { succeeded } from '../../../contracts/failure';
import type { RunInputOf } from '../../../contracts/migration';
import { itinerary, nothing, onceUnderWay, undo } from '../../saga/itinerary';
import { heartbeat, preflight, release, reserveVm } from '../common-phases';
import { roomNeeded, sizesOf } from '../disks';
import { settleOnHost, toldOfMove } from '../hypervisor-moves';
import { at, onDestination, placeOf, vmOf, type RunToFolder } from '../operations-of-a-run';
import type { Durable, Step } from '../../saga/step';

type Input = RunInputOf<'storage'>;

/**
 * Storage migration: the hypervisor copies the disks of the running VM to another folder of the same host, mirrors what the guest writes
 * meanwhile, switches over, and deletes the old files. The VM does not stop.
 */
export const storage = itinerary<Input>('storage', 2)
  .phase(preflight)
  .phase(reserveVm)
  .phase({
    name: 'check-disks',
    step: 'Prepare',
    what: 'Open every file of every disk and check its structure.',
    *do(run) {
      const checked = yield* at(run, 'source', 'check-disks', vmOf(run));
      return checked.ok ? succeeded(sizesOf(checked.value)) : checked;
    },
    undo: nothing('it reads only'),
  })
  .phase({
    name: 'reserve-room',
    step: 'Prepare',
    what: 'Promise room in the new folder to this run. The VM has its memory already.',
    do: (run, done) =>
      at(run, 'destination', 'reserve-room', {
        ...placeOf(run),
        roomBytes: roomNeeded(done['check-disks']).roomBytes,
        memoryBytes: 0,
      }),
    undo: undo('remove every file that a failed move left, then take the promise back', clearAndRelease),
  })
  .phase({
    name: 'move',
    step: 'Transfer',
    what: 'Let the hypervisor move the files of the running VM. It rolls back by itself when it fails; then the host is asked where they are.',
    pivot: true,
    cancelable: true,
    load: onceUnderWay,
    *do(run) {
      const moved = yield* at(run, 'source', 'move-storage', placeOf(run));
      if (moved.ok || 'renew' in moved || moved.failure.effect === 'none') return moved;
      return yield* settleOnHost(run, moved.failure, run.input.request.destinationFolder);
    },
    undo: nothing('once the VM writes to the new files, the old ones are behind'),
  })
  .phase(heartbeat)
  .phase(release)
  .build((done) => toldOfMove(done.move, done.heartbeat));

function* clearAndRelease(run: RunToFolder): Durable<Step<unknown>> {
  const cleared = yield* at(run, 'destination', 'remove-placeholder', placeOf(run));
  return cleared.ok ? yield* onDestination('release')(run) : cleared;
}
