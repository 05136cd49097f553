import { failureOf, succeeded } from '../../../contracts/failure';
import type { RunInputOf } from '../../../contracts/migration';
import { ask } from '../../saga/ask';
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
import { compareSides, memoryOf, readBy } from '../disks';
import { inPlace, onSource } from '../operations-of-a-run';
import { makeRole, removeRole, toldOfRole } from '../roles';
import { catchUp, lastRound, preCopy } from '../rounds';
import { stopVm } from '../stop';
import { outageBetween } from '../times';

type Input = RunInputOf<'warm'>;

/**
 * Warm migration: the VM runs on while everything is copied once and then, round after round, what its guest has changed since. When what is
 * left fits the outage that its owner allows, it is stopped for one last round.
 */
export const warm = itinerary<Input>('warm', 3)
  .phase(preflight)
  .phase(reserveVm)
  .phase(checkRunning)
  .phase(reserveRoom)
  .phase(placeVm)
  .phase({
    name: 'pre-copy',
    step: 'Transfer',
    what: 'Copy the disks while the guest runs, then round after round what it changed, until the rest fits the outage that is allowed.',
    load: onceUnderWay,
    do: preCopy,
    undo: undo('merge the differencing disks back and forget the reference points', onSource('remove-vm-checkpoint')),
  })
  .phase({
    name: 'approve',
    step: 'Transfer',
    what: 'Wait for a person to let the cutover begin, if the policy asks for one.',
    *do(run, done) {
      if (!run.input.request.policy.approve) return succeeded({ asked: false });
      const seconds = Math.ceil(done['pre-copy'].predictedOutageMs / 1000);
      const message = `Everything is copied but for the last changes: the cutover would take about ${seconds} s.`;
      const text = `${message} accept: begin it. A cancel brings everything back as it was.`;
      const answer = yield* ask(run, { text, answers: ['accept'], failure: failureOf('ApprovalWanted', { message }) });
      return answer.ok ? succeeded({ asked: true }) : answer;
    },
    undo: nothing('an approval changes no host'),
  })
  .phase({
    name: 'catch-up',
    step: 'Transfer',
    what: 'Copy what the guest changed while the approval was waited for.',
    *do(run, done) {
      if (!done.approve.asked) return succeeded(done['pre-copy']);
      return yield* catchUp(run, done['pre-copy']);
    },
    undo: nothing('the undo of pre-copy forgets its rounds, that of place removes what they copied'),
  })
  .phase(removeRole)
  .phase({
    name: 'stop',
    step: 'Cutover',
    what: 'Save the VM on the source host or shut its guest down, as the policy says. The outage begins.',
    do: stopVm,
    undo: undo('start the VM again', onSource('resume-vm')),
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
    name: 'last-round',
    step: 'Cutover',
    what: 'Copy what changed since the last round, the saved memory and the configuration.',
    load: (done, { request }) => (request.policy.stop === 'save' ? memoryOf(done['check-disks']) : { carriedBytes: 0 }),
    do: (run, done) => lastRound(run, done['catch-up'], done.stop.memory),
    undo: nothing('the undo of pre-copy forgets its reference point, that of place removes what it copied'),
  })
  .phase(importConfiguration)
  .phase({
    name: 'verify',
    step: 'Cutover',
    what: 'Compare what a guest would read at both ends.',
    load: (done, { request }) => readBy(request.policy.verify, done['check-disks']),
    do: (run, done) => compareSides(run, done['last-round'].round),
    undo: nothing('it reads only'),
  })
  .phase({
    name: 'cutover',
    step: 'Cutover',
    what: 'Make the placeholder a VM and start it. The outage ends.',
    pivot: true,
    do: inPlace('start-vm'),
    undo: nothing('the destination may have taken writes'),
  })
  .phase(heartbeat)
  .phase(makeRole)
  .phase(retire)
  .phase(release)
  .build((done, undone) => ({
    outage: outageBetween(done.stop?.stoppedAt, done.cutover, undone['stop']),
    guestOutageMs: done.heartbeat?.guestOutageMs ?? null,
    predictedOutageMs: done['catch-up']?.predictedOutageMs ?? null,
    rounds: [...(done['catch-up']?.rounds ?? done['pre-copy']?.rounds ?? [])],
    files: [...(done['catch-up']?.files ?? done['pre-copy']?.files ?? []), ...(done['last-round']?.files ?? [])],
    verified: done.verify ?? [],
    configurationChanges: done.import?.changes ?? [],
    ...toldOfRole(done, undone),
  }));
