import { succeeded } from '../../../contracts/failure';
import type { RunInputOf } from '../../../contracts/migration';
import { itinerary, nothing, onceUnderWay, undo } from '../../saga/itinerary';
import {
  checkRunning,
  heartbeat,
  importConfiguration,
  placeVm,
  preflight,
  release,
  reserveRoom,
  reserveVm,
  retire,
} from '../common-phases';
import { at, inPlace, onSource, vmOf } from '../operations-of-a-run';
import { pullAll } from '../pull-files';
import { makeRole, removeRole, toldOfRole } from '../roles';
import { outageBetween } from '../times';
import { compareSides, lastImages, memoryOf, parentImages, readBy, sizesOf } from '../disks';

type Input = RunInputOf<'quick-storage'>;

/**
 * Quick storage migration: the disks of a running VM are copied below a VM checkpoint, then the VM is saved for as long as it takes to
 * carry the last differencing disk and its memory over. To another host, or to another folder of the same host; no shared storage.
 */
export const quickStorage = itinerary<Input>('quick-storage', 3)
  .phase(preflight)
  .phase(reserveVm)
  .phase(checkRunning)
  .phase(reserveRoom)
  .phase(placeVm)
  .phase({
    name: 'vm-checkpoint',
    step: 'Transfer',
    what: 'Take a VM checkpoint: the guest goes on in differencing disks, and the files below stand still.',
    *do(run) {
      const taken = yield* at(run, 'source', 'take-vm-checkpoint', vmOf(run));
      return taken.ok ? succeeded(sizesOf(taken.value)) : taken;
    },
    undo: undo('merge the differencing disks back', onSource('remove-vm-checkpoint')),
  })
  .phase({
    name: 'copy-base',
    step: 'Transfer',
    what: 'Copy the disks below the VM checkpoint while the guest runs.',
    load: onceUnderWay,
    do: (run, done) => pullAll(run, parentImages(done['vm-checkpoint'])),
    undo: nothing('the undo of place removes every file of this run'),
  })
  .phase(removeRole)
  .phase({
    name: 'save',
    step: 'Cutover',
    what: 'Save the VM on the source host. The outage begins.',
    *do(run) {
      const saved = yield* at(run, 'source', 'save-vm', vmOf(run));
      return saved.ok ? succeeded({ ...sizesOf(saved.value), savedAt: saved.value.savedAt }) : saved;
    },
    undo: undo('start the VM from its saved state', onSource('resume-vm')),
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
    name: 'copy-rest',
    step: 'Cutover',
    what: 'Copy the last differencing disks, the saved memory and the configuration.',
    load: (done) => memoryOf(done['vm-checkpoint']),
    do: (run, done) => pullAll(run, lastImages(done.save)),
    undo: nothing('the undo of place removes every file of this run'),
  })
  .phase(importConfiguration)
  .phase({
    name: 'merge',
    step: 'Cutover',
    what: 'Merge the differencing disks into the copied disks.',
    do: inPlace('merge-disks'),
    undo: nothing('only copies are merged; the undo of place removes them'),
  })
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
    what: 'Make the placeholder a VM and start it from its saved state. The outage ends.',
    pivot: true,
    do: inPlace('start-vm'),
    undo: nothing('the destination may have taken writes'),
  })
  .phase(heartbeat)
  .phase(makeRole)
  .phase(retire)
  .phase(release)
  .build((done, undone) => ({
    outage: outageBetween(done.save?.savedAt, done.cutover, undone['save']),
    guestOutageMs: done.heartbeat?.guestOutageMs ?? null,
    files: [...(done['copy-base'] ?? []), ...(done['copy-rest'] ?? [])],
    verified: done.verify ?? [],
    configurationChanges: done.import?.changes ?? [],
    ...toldOfRole(done, undone),
  }));
