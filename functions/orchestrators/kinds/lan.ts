import { succeeded } from '../../../contracts/failure';
import type { RunInputOf } from '../../../contracts/migration';
import { itinerary, nothing, onceUnderWay, undo } from '../../saga/itinerary';
import {
  forwardOnly,
  importConfiguration,
  placeVm,
  preflight,
  release,
  reserveRoom,
  reserveVm,
  retire,
} from '../common-phases';
import { allImages, compareSides, readBy, sizesOf } from '../disks';
import { at, onSource, placeOf, vmOf } from '../operations-of-a-run';
import { pullAll } from '../pull-files';
import { makeRole, removeRole, toldOfRole } from '../roles';
import { ofVm } from '../rounds';
import { stopIfRunning } from '../stop';
import { outageBetween } from '../times';

type Input = RunInputOf<'lan'>;

/**
 * Network migration: the VM stands still for the whole copy, off, saved, or stopped for it. It arrives as it was: one that ran is started,
 * one that was off or saved is registered and left so. For VMs of any kind, at the price of the outage.
 */
export const lan = itinerary<Input>('lan', 3)
  .phase(preflight)
  .phase(reserveVm)
  .phase({
    name: 'check-disks',
    step: 'Prepare',
    what: 'Open every file of every disk on the source host and check its structure.',
    *do(run) {
      const checked = yield* at(run, 'source', 'check-disks', vmOf(run));
      return checked.ok ? succeeded({ ...sizesOf(checked.value), state: checked.value.state }) : checked;
    },
    undo: nothing('it reads only'),
  })
  .phase(reserveRoom)
  .phase(placeVm)
  .phase(removeRole)
  .phase({
    name: 'stop',
    step: 'Cutover',
    what: 'Stop a VM that runs, as the policy says. The outage begins. One that is off or saved stays so.',
    do: (run, done) => stopIfRunning(run, done['check-disks']),
    undo: undo('start the VM again, if this run stopped it', onSource('resume-vm')),
  })
  .phase({
    name: 'fence',
    step: 'Cutover',
    what: 'Fence the VM on the source host: it can neither start nor change until this run’s mark is removed.',
    do: onSource('fence-vm'),
    undo: undo('remove the fence', onSource('unfence-vm')),
  })
  .phase({
    name: 'export-configuration',
    step: 'Cutover',
    what: 'Write the VM’s configuration out on the source host.',
    do: onSource('export-configuration'),
    undo: undo('remove what was written', onSource('remove-export')),
  })
  .phase({
    name: 'copy',
    step: 'Cutover',
    what: 'Copy every file of every disk, the saved memory and the configuration.',
    load: onceUnderWay,
    do: (run, done) => pullAll(run, [...allImages(done.stop), ...ofVm(done.stop.memory)]),
    undo: nothing('the undo of place removes every file of this run'),
  })
  .phase(importConfiguration)
  .phase({
    name: 'verify',
    step: 'Cutover',
    what: 'Compare what a guest would read at both ends.',
    load: (done, { request }) => readBy(request.policy.verify, done['check-disks']),
    do: (run) => compareSides(run),
    undo: nothing('it reads only'),
  })
  .phase({
    name: 'cutover',
    step: 'Cutover',
    what: 'Make the placeholder a VM; start it if it ran before. The outage ends.',
    pivot: true,
    do: (run, done) => {
      const power = done['check-disks'].state === 'running' ? 'start' : 'leave';
      return at(run, 'destination', 'start-vm', { ...placeOf(run), power });
    },
    undo: nothing('from now on the VM is that of the destination'),
  })
  .phase({
    name: 'heartbeat',
    step: 'Finish',
    what: 'Wait for the heartbeat of the guest at the destination, if it was started.',
    *do(run, done) {
      if (done['check-disks'].state !== 'running') return succeeded(undefined);
      const waitMsMax = run.input.request.policy.heartbeatWaitMsMax;
      return yield* at(run, 'destination', 'await-heartbeat', { ...vmOf(run), waitMsMax });
    },
    undo: forwardOnly,
  })
  .phase(makeRole)
  .phase(retire)
  .phase(release)
  .build((done, undone) => ({
    outage: outageBetween(done.stop?.stoppedAt, done.cutover, undone['stop']),
    guestOutageMs: done.heartbeat?.guestOutageMs ?? null,
    files: done.copy ?? [],
    verified: done.verify ?? [],
    configurationChanges: done.import?.changes ?? [],
    ...toldOfRole(done, undone),
  }));
