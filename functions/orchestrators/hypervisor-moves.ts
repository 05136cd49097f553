import type { Failure } from '../../contracts/failure';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import type { HostId } from '../../contracts/ids';
import { destinationHostOf, type RunInput } from '../../contracts/migration';
import type { OperationInput, OperationOutput } from '../../contracts/operations';
import type { Outage, Told } from '../../contracts/receipt';
import type { Run } from '../saga/run';
import { isRenew, renew, type Durable, type Step } from '../saga/step';
import { at, vmOf, type Side } from './operations-of-a-run';
import { measured } from './times';

/** Moves whose bytes the hypervisor carries: what they ask of the hosts, and what is believed when one does not tell how it ended. */

export type Needs = OperationOutput<'describe-vm'>;
export type Moved = OperationOutput<'move-live'>;
/** A move that is known to be done by where the VM is; what it measured went with its reply. */
type Unmeasured = { readonly unmeasured: string };
/** How a move ended well. */
export type MoveEnd = Moved | Unmeasured;
type Found = OperationOutput<'locate-vm'>;
type MoveRun = Run<RunInput>;

export const peerOf = (run: MoveRun): { readonly peerHost: HostId } => ({
  peerHost: destinationHostOf(run.input.request),
});

export const admit = (
  run: MoveRun,
  needs: Needs,
  brings: OperationInput<'admit-vm'>['brings'],
): Durable<Step<OperationOutput<'admit-vm'>>> => at(run, 'destination', 'admit-vm', { ...vmOf(run), needs, brings });

/** Asked also while a cancel is being carried out: its answer is what the end of the move goes by. */
const locate = (run: MoveRun, side: Side, folder: string | null = null): Durable<Step<Found>> =>
  at(run, side, 'locate-vm', { ...vmOf(run), folder }, { heedsCancel: false });

/**
 * A move between two hosts that failed, or of which nobody knows how it ended: both hosts are asked where the VM is, and only what they
 * say counts. It runs at the source and nowhere else: the hypervisor took the move back. It runs at the destination and nowhere else:
 * the move is done, whatever became of the reply. Anything else is for a person.
 */
export function* settleBetweenHosts(run: MoveRun, failure: Failure): Durable<Step<MoveEnd>> {
  for (let asks = 1; ; asks += 1) {
    const source = yield* locate(run, 'source');
    if (isRenew(source)) return source;
    if (!source.ok) return failed(unsettled(failure, 'the source host cannot be asked where the VM is'));
    const destination = yield* locate(run, 'destination');
    if (isRenew(destination)) return destination;
    if (!destination.ok) return failed(unsettled(failure, 'the destination host cannot be asked where the VM is'));
    const [here, there] = [source.value, destination.value];
    if (!here.moving && !there.moving) return settledBy(failure, here, there);
    if (asks === asksMax) return failed(unsettled(failure, 'the hypervisor still moves it'));
    if ((yield* run.pause(run.input.pace.lookMsMax)) === 'renew') return renew;
  }
}

/** A VM that was handed over is on its way for as long as the other host needs to take it; both are asked again so many times. */
const asksMax = 8;

function settledBy(failure: Failure, here: Found, there: Found): Outcome<MoveEnd> {
  if (here.registered && !there.registered) return failed({ ...failure, effect: 'none' });
  if (there.registered && !here.registered) return succeeded(unmeasured);
  return failed(unsettled(failure, describe(here, there)));
}

/** The same for a move of the files of a VM to `folder`. */
export function* settleOnHost(run: MoveRun, failure: Failure, folder: string): Durable<Step<MoveEnd>> {
  const found = yield* locate(run, 'source', folder);
  if (!found.ok) return failed(unsettled(failure, 'the host cannot be asked where the files are'));
  if (found.value.moving) return failed(unsettled(failure, 'the hypervisor still moves them'));
  if (!found.value.registered) return failed(unsettled(failure, 'the host does not have the VM'));
  return found.value.inFolder ? succeeded(unmeasured) : failed({ ...failure, effect: 'none' });
}

const unsettled = (failure: Failure, why: string): Failure =>
  failureOf('MoveUnsettled', { message: `${failure.message} Nor is it known where the VM is: ${why}.` });

const describe = (here: Found, there: Found): string =>
  `${here.registered ? 'both hosts say that they have it' : 'neither host says that it has it'} (source: ${here.state}, destination: ${there.state})`;

const unmeasured: Unmeasured = { unmeasured: 'the reply of the move was lost, and what it had measured with it' };

const outageOf = (moved: MoveEnd | null | undefined): Outage => {
  if (moved === undefined) return { type: 'none' };
  if (moved === null) return { type: 'not-measured', because: 'a person said that the move was done' };
  if ('unmeasured' in moved) return { type: 'not-measured', because: moved.unmeasured };
  return moved.outageMs === null
    ? { type: 'not-measured', because: 'Hyper-V does not tell how long the VM stood still' }
    : measured(moved.outageMs);
};

function carriedBy(moved: MoveEnd | null | undefined): Told['carried'] {
  if (moved === null || moved === undefined || 'unmeasured' in moved) return null;
  const { memorySentBytes: memoryBytes, copiedBytes, mirroredBytes } = moved;
  if (memoryBytes === null || copiedBytes === null || mirroredBytes === null) return null;
  return { by: 'hypervisor', memoryBytes, copiedBytes, mirroredBytes };
}

/** What a receipt says of a move by the hypervisor. */
export const toldOfMove = (
  moved: MoveEnd | null | undefined,
  beat: OperationOutput<'await-heartbeat'> | null | undefined,
): Partial<Told> => ({
  outage: outageOf(moved),
  guestOutageMs: beat?.guestOutageMs ?? null,
  carried: carriedBy(moved),
  configurationChanges: moved && 'changes' in moved ? moved.changes : [],
});
