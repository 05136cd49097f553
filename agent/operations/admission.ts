import { failureOf, type Failure } from '../../contracts/failure';
import { refusedAfterStart, type RunOnHost } from './rules';
import { vmOf, type Operation } from './task';

/** What decides whether a new operation is taken on. */
export type Surroundings = RunOnHost & {
  /** The highest epoch of the operation's run that was accepted here. */
  readonly epoch: number;
  /** The operations that are under way. */
  readonly underWay: readonly Operation[];
};

/** Why a new operation is refused, if so. Nothing was touched, and nothing of it is remembered. */
export function refusalOf(operation: Operation, surroundings: Surroundings): Failure | undefined {
  return (
    staleEpoch(operation, surroundings.epoch) ??
    refusedAfterStart(operation, surroundings) ??
    busyVm(operation, surroundings.underWay)
  );
}

function staleEpoch({ operationId, runId, epoch }: Operation, known: number): Failure | undefined {
  if (epoch >= known) return undefined;
  return failureOf('EpochStale', {
    message: `run ${runId} is at epoch ${known} on this host; the operation is of epoch ${epoch}`,
    subject: { operationId },
  });
}

/** Runs share no VM. A release touches its own run's reservations alone, and every ending needs it, so it is never kept waiting. */
function busyVm(operation: Operation, underWay: readonly Operation[]): Failure | undefined {
  if (operation.task.kind === 'release') return undefined;
  const other = underWay.find(
    (one) => vmOf(one) === vmOf(operation) && one.runId !== operation.runId && one.task.kind !== 'release',
  );
  if (other === undefined) return undefined;
  return failureOf('VmBusy', {
    message: `${other.task.kind} of run ${other.runId} is under way for VM ${vmOf(operation)}`,
    subject: { vmId: vmOf(operation), operationId: operation.operationId },
  });
}

/** Whether this run started the operation's VM here according to the marks, or is about to by an operation under way. */
export function startedBy(
  operation: Operation,
  marks: { has: (runId: Operation['runId'], vmId: ReturnType<typeof vmOf>) => boolean },
  underWay: readonly Operation[],
): boolean {
  const vm = vmOf(operation);
  if (marks.has(operation.runId, vm)) return true;
  return underWay.some((one) => one.task.kind === 'start-vm' && one.runId === operation.runId && vmOf(one) === vm);
}
