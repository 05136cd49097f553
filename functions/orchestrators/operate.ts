import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import type { RunInput } from '../../contracts/migration';
import type { OperationKind, OperationOutput } from '../../contracts/operations';
import type { Run } from '../saga/run';
import { renew, type Durable, type Step } from '../saga/step';
import { heeds, look, silent, startAmong, track, type Asked, type Tracked } from './operation-under-way';
import { holdWhilePaused, stop } from './stop-operations';
import { describeProgress } from './transfer-progress';

/** What an operation needs besides after its last byte. */
const lateMs = 200;

/** One operation on one host: started, then looked at until it ends. */
export function* operate<K extends OperationKind>(
  run: Run<RunInput>,
  asked: Asked<K>,
): Durable<Step<OperationOutput<K>>> {
  const outputs = yield* operateAll(run, [asked]);
  if (!outputs.ok) return outputs;
  const [output] = outputs.value;
  if (output === undefined) throw new Error('one operation has one output');
  return succeeded(output);
}

/**
 * Several operations side by side. Long work is never an activity: each is started by a short one and looked at by others, with durable
 * timers between. A reply that was lost is settled by asking for the operation by its id; one that the agent does not know is sent again.
 * The deadline is on silence: an agent that answers nothing for `pace.silenceMsMax` is a failure with effect unknown. When one fails,
 * the others are stopped first.
 */
export function* operateAll<K extends OperationKind>(
  run: Run<RunInput>,
  asked: readonly Asked<K>[],
): Durable<Step<OperationOutput<K>[]>> {
  const all = asked.map((one): Tracked<K> => track(run, one));
  const heedsCancel = heeds(all);
  for (const [index, one] of all.entries()) {
    if (heedsCancel && run.cancelRequested) return yield* stopSome(run, all.slice(0, index));
    if (one.ended === undefined) yield* startAmong(run, all, one);
  }
  let heardAt = run.now().getTime();
  let waitMs = run.input.pace.lookMsMin;
  while (all.some((one) => one.ended === undefined)) {
    const firstFailure = failureAmong(all);
    if (firstFailure !== undefined) {
      yield* stop(run, all);
      return failed(firstFailure);
    }
    const pause = heedsCancel && run.cancelRequested ? 'cancel' : yield* run.pause(waitMs);
    if (pause === 'renew') return renew;
    if (pause === 'cancel' && heedsCancel) {
      yield* stop(run, all);
      return stopped(all);
    }
    if (run.paused && all.some((one) => one.asked.pausable === true)) {
      const paused = yield* holdWhilePaused(run, all);
      if (!paused.ok) return paused;
      heardAt = run.now().getTime();
    }
    const silence = yield* look(run, all);
    if (silence === undefined) heardAt = run.now().getTime();
    else if (run.now().getTime() - heardAt > run.input.pace.silenceMsMax) return failed(silent(silence));
    waitMs = nextWaitMs(run.input.pace, waitMs, describeProgress(run, all, silence));
  }
  return ended(all);
}

/** Looks become rarer, but one comes when the work is expected to be over: what a run waits for is noticed late otherwise, in an outage too. */
function nextWaitMs({ lookMsMin, lookMsMax }: RunInput['pace'], waitMs: number, leftMs: number | null): number {
  const grown = Math.min(lookMsMax, Math.round(waitMs * 1.5));
  return leftMs === null ? grown : Math.max(lookMsMin, Math.min(grown, Math.ceil(leftMs) + lateMs));
}

function ended<K extends OperationKind>(all: readonly Tracked<K>[]): Outcome<OperationOutput<K>[]> {
  const failure = failureAmong(all);
  if (failure !== undefined) return failed(failure);
  return succeeded(all.flatMap((one) => (one.ended?.ok === true ? [one.ended.value] : [])));
}

/** How operations that were stopped by a cancel ended: some may have been done before it reached them. */
function stopped<K extends OperationKind>(all: readonly Tracked<K>[]): Outcome<OperationOutput<K>[]> {
  if (all.every((one) => one.ended !== undefined)) return ended(all);
  return failed(
    failureOf('CanceledByOperator', { message: 'Canceled; its agent has not said how it ended.', effect: 'unknown' }),
  );
}

/** Of operations of which only some were sent when the cancel came. */
function* stopSome<K extends OperationKind>(run: Run<RunInput>, sent: readonly Tracked<K>[]): Durable<Outcome<never>> {
  yield* stop(run, sent);
  const outcome = stopped(sent);
  const effect = sent.length === 0 ? 'none' : 'applied';
  const message = 'Canceled before everything was begun.';
  return outcome.ok ? failed(failureOf('CanceledByOperator', { message, effect })) : outcome;
}

const failureAmong = <K extends OperationKind>(all: readonly Tracked<K>[]): Failure | undefined => {
  for (const one of all) if (one.ended?.ok === false) return one.ended.failure;
  return undefined;
};
