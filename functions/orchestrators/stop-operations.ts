import { cancelOperations } from '../../activities/definitions';
import { failed, failureOf, succeeded } from '../../contracts/failure';
import { operationId as operationIdOf } from '../../contracts/ids';
import type { RunInput } from '../../contracts/migration';
import type { OperationKind } from '../../contracts/operations';
import { callForRun } from '../saga/activity';
import type { Run } from '../saga/run';
import { renew, type Durable, type Step } from '../saga/step';
import { look, refOf, silent, start, type Tracked } from './operation-under-way';

/**
 * Stops what moves bytes until somebody resumes the run, then starts it again under another id: it goes on where it was. Nothing is
 * started again before the agent has said that it stopped.
 */
export function* holdWhilePaused<K extends OperationKind>(
  run: Run<RunInput>,
  all: readonly Tracked<K>[],
): Durable<Step<undefined>> {
  const beganAt = run.now().getTime();
  const going = all.filter((one) => one.ended === undefined);
  yield* stop(run, going);
  while (going.some((one) => one.ended === undefined)) {
    if ((yield* run.pause(run.input.pace.lookMsMin)) === 'renew') return renew;
    const silence = yield* look(run, going);
    if (silence !== undefined && run.now().getTime() - beganAt > run.input.pace.silenceMsMax)
      return failed(silent(silence));
  }
  const stopped = going.filter((one) => one.ended?.ok === false && one.ended.failure.code === 'CanceledByOperator');
  for (const one of stopped) run.noteStopped(one.operationId);
  if ((yield* run.whilePaused()) === 'cancel')
    return failed(failureOf('CanceledByOperator', { message: 'Canceled.', effect: 'applied' }));
  for (const one of stopped) {
    one.operationId = operationIdOf.parse(run.idAfterPauses(one.firstId));
    one.ended = undefined;
    yield* start(run, one);
  }
  return succeeded(undefined);
}

/** Longest wait for operations to stop; agents stop at the next block, and a dead agent has stopped by itself. */
const stopMsMax = 20_000;

/** Stops what still runs, and waits until it has. */
export function* stop<K extends OperationKind>(run: Run<RunInput>, all: readonly Tracked<K>[]): Durable<void> {
  const until = run.now().getTime() + stopMsMax;
  const open = (): Tracked<K>[] => all.filter((one) => one.ended === undefined);
  if (open().length > 0)
    yield* callForRun(run, cancelOperations, { runId: run.input.runId, operations: open().map(refOf) });
  while (open().length > 0 && run.now().getTime() < until) {
    yield* look(run, open(), 'leave');
    if (open().length > 0 && (yield* run.pause(run.input.pace.lookMsMin)) === 'renew') break;
  }
}
