import { succeeded } from '../../contracts/failure';
import { roleOf, type RunInput } from '../../contracts/migration';
import type { MadeRole, RemovedRole } from '../../contracts/operations';
import type { Told } from '../../contracts/receipt';
import { undo, type Known, type PhaseDefinition } from '../saga/itinerary';
import { forwardOnly } from './common-phases';
import { at, vmOf } from './operations-of-a-run';

/** Phases of kinds that take a VM off its cluster. A request that says nothing of its role asks no host for anything here. */

/** Null where the request says nothing of the role. */
type Removal = { readonly removed: RemovedRole | null } | null;
type Removed = { readonly 'remove-role': Removal };
type RemovePhase = PhaseDefinition<RunInput, object, 'remove-role', Removal>;
type MakePhase = PhaseDefinition<RunInput, Removed, 'make-role', MadeRole | null>;

/** Comes right before the VM is stopped or moved: until then the cluster protects it, and from then on it must not start it. */
export const removeRole: RemovePhase = {
  name: 'remove-role',
  step: 'Cutover',
  what: 'Take the VM out of its cluster, if the request says so: the cluster would start it again. What the role was set to is noted.',
  *do(run) {
    if (roleOf(run.input.request) === undefined) return succeeded(null);
    return yield* at(run, 'source', 'remove-role', vmOf(run));
  },
  undo: undo('make the role again as it was', function* (run) {
    if (roleOf(run.input.request) === undefined) return succeeded({});
    return yield* at(run, 'source', 'restore-role', vmOf(run));
  }),
};

/** Comes when the guest has answered: a role of a VM that does not come up would be started and moved by its cluster over and over. */
export const makeRole: MakePhase = {
  name: 'make-role',
  step: 'Finish',
  what: 'Make the VM a role of the cluster of the destination host, if the request says so, with what of its old settings applies there.',
  *do(run, done) {
    if (roleOf(run.input.request) !== 'make') return succeeded(null);
    const settings = done['remove-role']?.removed?.settings ?? null;
    return yield* at(run, 'destination', 'make-role', { ...vmOf(run), settings });
  },
  undo: forwardOnly,
};

/** What a receipt says of the role; nothing where the request did not. */
export function toldOfRole(
  done: Known<Removed & { readonly 'make-role': MadeRole | null }>,
  undone: Readonly<Record<string, unknown>>,
): Pick<Told, 'role'> | object {
  const removal = done['remove-role'] ?? null;
  if (removal === null) return {};
  const { removed } = removal;
  return { role: { removed, restored: removed !== null && 'remove-role' in undone, made: done['make-role'] ?? null } };
}
