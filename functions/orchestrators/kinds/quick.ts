import type { RunInputOf } from '../../../contracts/migration';
import { itinerary, nothing, undo } from '../../saga/itinerary';
import type { Run } from '../../saga/run';
import type { Durable, Step } from '../../saga/step';
import { heartbeat, preflight, release, reserveVm } from '../common-phases';
import { admit, peerOf } from '../hypervisor-moves';
import { at, onDestination, onSource, vmOf } from '../operations-of-a-run';
import { outageBetween } from '../times';

type Input = RunInputOf<'quick'>;

/**
 * Quick migration: the VM is saved, its role goes to another node of the cluster, and it starts there from its saved state. Its files stay
 * on the shared volume.
 */
export const quick = itinerary<Input>('quick', 2)
  .phase(preflight)
  .phase(reserveVm)
  .phase({
    name: 'describe',
    step: 'Prepare',
    what: 'Ask the source node what the VM needs: memory, processor features, switch, shared volume.',
    do: onSource('describe-vm'),
    undo: nothing('it reads only'),
  })
  .phase({
    name: 'admit',
    step: 'Prepare',
    what: 'Check that the destination node can run the VM, and promise it the memory.',
    do: (run, done) => admit(run, done.describe, { type: 'memory' }),
    undo: undo('take the promise back', onDestination('withdraw-vm')),
  })
  .phase({
    name: 'save',
    step: 'Cutover',
    what: 'Save the VM on the source node. The outage begins.',
    do: onSource('save-vm'),
    undo: undo('start the VM from its saved state', onSource('resume-vm')),
  })
  .phase({
    name: 'failover',
    step: 'Cutover',
    what: 'Hand the role of the saved VM to the destination node: the source node does not have it any more.',
    do: (run) => at(run, 'source', 'move-role', { ...vmOf(run), ...peerOf(run) }),
    undo: undo('hand the role back to the source node', handBack),
  })
  .phase({
    name: 'start',
    step: 'Cutover',
    what: 'Start the VM at the destination node from its saved state. The outage ends.',
    pivot: true,
    do: onDestination('start-role'),
    undo: nothing('the guest may have written since'),
  })
  .phase(heartbeat)
  .phase(release)
  .build((done, undone) => ({
    outage: outageBetween(done.save?.savedAt, done.start, undone['save']),
    guestOutageMs: done.heartbeat?.guestOutageMs ?? null,
  }));

/** First the source node, so that no handover of an earlier attempt is under way there any more; then the one that may have the role. */
function* handBack(run: Run<Input>): Durable<Step<unknown>> {
  const stood = yield* at(run, 'source', 'locate-vm', { ...vmOf(run), folder: null });
  if (!stood.ok) return stood;
  return yield* at(run, 'destination', 'return-role', { ...vmOf(run), peerHost: run.input.request.sourceHost });
}
