import { failed, failureOf, succeeded } from '../../../contracts/failure';
import type { RunInputOf } from '../../../contracts/migration';
import { itinerary, nothing, undo } from '../../saga/itinerary';
import type { Run } from '../../saga/run';
import type { Durable, Step } from '../../saga/step';
import { forwardOnly, heartbeat, preflight, release, reserveVm } from '../common-phases';
import { admit } from '../hypervisor-moves';
import { at, onDestination, onSource, vmOf, type Side } from '../operations-of-a-run';
import { outageBetween } from '../times';

type Input = RunInputOf<'san'>;

/**
 * SAN migration: the VM is saved, and the LUN that holds all its files is taken from the one host and given to the other, where the VM is
 * registered in place and started. No byte of it is copied.
 */
export const san = itinerary<Input>('san', 2)
  .phase(preflight)
  .phase(reserveVm)
  .phase({
    name: 'describe',
    step: 'Prepare',
    what: 'Ask the source host what the VM needs, and which LUN holds all its files and those of no other VM.',
    *do(run) {
      const needs = yield* at(run, 'source', 'describe-vm', vmOf(run));
      if (!needs.ok) return needs;
      const { storage } = needs.value;
      if (storage?.type === 'lun') return succeeded({ needs: needs.value, lun: storage.name, folder: storage.folder });
      const message = 'The files of the VM are not on a LUN of their own.';
      return failed(failureOf('LunMissing', { message, subject: { vmId: run.input.request.vmId } }));
    },
    undo: nothing('it reads only'),
  })
  .phase({
    name: 'admit',
    step: 'Prepare',
    what: 'Check that the destination host sees the LUN and can run the VM, and promise it the memory.',
    do: (run, done) => {
      const { destinationSwitch: switchName } = run.input.request;
      const mapped = switchName === null ? {} : { switchName };
      return admit(run, done.describe.needs, { type: 'lun', name: done.describe.lun, ...mapped });
    },
    undo: undo('take the promise back', onDestination('withdraw-vm')),
  })
  .phase({
    name: 'save',
    step: 'Cutover',
    what: 'Save the VM on the source host. The outage begins.',
    do: onSource('save-vm'),
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
    name: 'write-configuration',
    step: 'Cutover',
    what: 'Write the VM’s configuration to the LUN.',
    do: onSource('write-configuration'),
    undo: undo('remove what was written', onSource('remove-configuration')),
  })
  .phase({
    name: 'detach',
    step: 'Cutover',
    what: 'Take the LUN offline on the source host, which gives it up.',
    do: (run, done) => lunAt(run, 'source', 'detach-lun', done.describe.lun),
    undo: undo('give the LUN back to the source host', onSource('reattach-lun')),
  })
  .phase({
    name: 'attach',
    step: 'Cutover',
    what: 'Bring the LUN that the source gave up online on the destination host, at the same path.',
    do: (run, done) => lunAt(run, 'destination', 'attach-lun', done.describe.lun),
    undo: undo('take the LUN from the destination host', onDestination('surrender-lun')),
  })
  .phase({
    name: 'register',
    step: 'Cutover',
    what: 'Register the VM in place on the destination host, as a planned VM that cannot start yet.',
    do: (run, done) =>
      at(run, 'destination', 'register-vm', {
        ...vmOf(run),
        folder: done.describe.folder,
        switchName: run.input.request.destinationSwitch,
      }),
    undo: undo('remove the registration; the files stay', onDestination('unregister-vm')),
  })
  .phase({
    name: 'cutover',
    step: 'Cutover',
    what: 'Make the planned VM a VM and start it from its saved state. The outage ends.',
    pivot: true,
    do: (run, done) => at(run, 'destination', 'start-vm', { ...vmOf(run), folder: done.describe.folder }),
    undo: nothing('the guest may have written since'),
  })
  .phase(heartbeat)
  .phase({
    name: 'forget',
    step: 'Finish',
    what: 'Remove the fenced registration at the source host; the files went with the LUN.',
    do: onSource('forget-source'),
    undo: forwardOnly,
  })
  .phase(release)
  .build((done, undone) => ({
    outage: outageBetween(done.save?.savedAt, done.cutover, undone['save']),
    guestOutageMs: done.heartbeat?.guestOutageMs ?? null,
    configurationChanges: done.register?.changes ?? [],
  }));

const lunAt = (run: Run<Input>, side: Side, kind: 'detach-lun' | 'attach-lun', lun: string): Durable<Step<unknown>> =>
  at(run, side, kind, { ...vmOf(run), lun });
