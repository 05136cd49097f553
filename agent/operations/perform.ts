import { describeThrown, failureOf, type Failure, type Outcome } from '../../contracts/failure';
import { rulesOf } from '../../contracts/operations';
import { isAbort } from '../thrown';
import type { OperationEnd } from './events';
import type { CarryOut } from './handlers';
import type { LiveOperation } from './live';
import { startUnderMark } from './start-rule';
import type { StartMarks } from './start-marks';
import type { Operation } from './task';

/** A bug or a dead helper: nobody knows what the operation left. */
export const agentError = (operation: Operation, thrown: unknown): OperationEnd => ({
  state: 'failed',
  failure: failureOf('AgentError', {
    message: `${operation.task.kind}: ${describeThrown(thrown)}`,
    subject: { operationId: operation.operationId },
  }),
});

/**
 * Carries an operation out and answers how it ended; undefined when it was stopped because the agent ends: then it has no outcome, and
 * whatever the handler says about it is left unsaid until it has been carried out again.
 */
export async function perform(
  live: LiveOperation,
  carryOut: CarryOut,
  marks: StartMarks,
  report: Parameters<CarryOut>[1]['report'],
): Promise<OperationEnd | undefined> {
  const { operation, signal } = live;
  const work = (): Promise<Outcome<unknown>> => carryOut(operation, { signal, report });
  try {
    const starts = rulesOf(operation.task.kind).starts === true;
    const outcome = starts ? await startUnderMark(marks, operation, work) : await work();
    return endOf(live, outcome);
  } catch (thrown) {
    if (live.stopReason === 'agent-ends') return undefined;
    return live.stopReason !== undefined && isAbort(thrown) ? { state: 'canceled' } : agentError(operation, thrown);
  }
}

function endOf(live: LiveOperation, outcome: Outcome<unknown>): OperationEnd | undefined {
  if (outcome.ok) return { state: 'succeeded', output: outcome.value };
  if (live.stopReason === 'agent-ends') return undefined;
  const canceled = live.stopReason !== undefined && outcome.failure.code === 'CanceledByOperator';
  return canceled ? { state: 'canceled' } : { state: 'failed', failure: ofAllAttempts(live, outcome.failure) };
}

/** Of an operation that an agent before this one had begun, the handler says what this attempt did, and nobody what that one did. */
const ofAllAttempts = ({ isResumed }: LiveOperation, failure: Failure): Failure =>
  isResumed && failure.effect === 'none' ? { ...failure, effect: 'unknown' } : failure;
