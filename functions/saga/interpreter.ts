import type { Failure } from '../../contracts/failure';
import { describeThrown, failed, failureOf } from '../../contracts/failure';
import { account, beginAttempt, beginPhase, cancelHonoured, currentPhase, patient } from './progress';
import type { Itinerary, Phase } from './itinerary';
import { expectedEndMs } from './outlook';
import { park } from './park';
import { backOffMs, patienceMsMax, undoPatienceMsMax } from './patience';
import { Run } from './run';
import type { SagaState } from './state';
import { isRenew, renew, type Durable, type Renew, type Step } from './step';

export type SagaEnd = 'completed' | 'rolled-back' | 'rejected';

/**
 * Runs an itinerary. The rules, each held by a test of test/saga:
 * a failure before the pivot unwinds the completed phases in reverse, and the failing one too unless it is known to have had no effect;
 * the pivot that failed and may have taken effect parks and asks, and so does what fails after it; a failed undo is retried long, then
 * parks; a cancel is honoured before the pivot only; every attempt has an epoch of its own. Answers `renew` when the history must be cut.
 */
export function* interpret<Input>(run: Run<Input>, itinerary: Itinerary<Input>): Durable<SagaEnd | Renew> {
  const { state } = run;
  while (state.direction === 'forward' && state.position < itinerary.phases.length) {
    if ((yield* doPhase(run, itinerary)) === renew) return renew;
  }
  while (state.direction === 'unwind' && state.position >= 0) {
    if ((yield* undoPhase(run, itinerary)) === renew) return renew;
  }
  if (state.direction === 'forward') return 'completed';
  return failedWhilePreparing(state, itinerary) ? 'rejected' : 'rolled-back';
}

/** The run of one generation over an itinerary. */
export const runOf = <Input>(
  context: ConstructorParameters<typeof Run<Input>>[0],
  input: Input,
  state: SagaState,
  itinerary: Itinerary<Input>,
): Run<Input> =>
  new Run(context, input, state, {
    phase: () => {
      const phase = currentPhase(state, itinerary);
      return phase && { name: phase.name, step: phase.step, carries: phase.load !== undefined };
    },
    cancelHonoured: () => cancelHonoured(state, itinerary),
    expectedEndMs: (progress, nowMs) => expectedEndMs({ state, itinerary, input }, progress, nowMs),
  });

function* doPhase<Input>(run: Run<Input>, itinerary: Itinerary<Input>): Durable<Renew | undefined> {
  const { state } = run;
  const phase = currentPhase(state, itinerary);
  if (phase === undefined) throw new Error(`no phase ${state.position}`);
  run.readCommands();
  if (state.attempt === null && run.cancelRequested) {
    unwindBecause(state, canceled(state));
    return undefined;
  }
  beginAttempt(run, phase, 'do');
  const result = yield* guarded(phase.do(run, state.outputs));
  if (isRenew(result)) return renew;
  state.attempt = null;
  if (result.ok) {
    state.outputs[phase.name] = result.value ?? null;
    account(run, phase, 'do', 'done');
    beginPhase(state, state.position + 1);
    return undefined;
  }
  if (result.failure.effect !== 'none') state.touched = true;
  return yield* afterFailedDo(run, itinerary, phase, result.failure);
}

function* afterFailedDo<Input>(
  run: Run<Input>,
  itinerary: Itinerary<Input>,
  phase: Phase<Input>,
  failure: Failure,
): Durable<Renew | undefined> {
  const { state } = run;
  if (
    failure.code !== 'CanceledByOperator' &&
    failure.retry === 'transient' &&
    patient(run, patienceMsMax[phase.step])
  ) {
    return yield* backOff(run, failure);
  }
  if (state.position < itinerary.pivotIndex || (phase.pivot && !state.touched)) {
    account(run, phase, 'do', 'failed');
    unwindBecause(state, failure);
    return undefined;
  }
  state.failure = failure;
  const answer = yield* park(run, {
    text: phase.pivot
      ? `It is not known whether "${phase.name}" took effect. Look at the VM on both hosts. retry: do it again; accept: it did, go on.`
      : `"${phase.name}" failed after the VM was started at the destination. retry: do it again; accept: leave it as it is and go on.`,
    answers: ['retry', 'accept'],
    failure,
  });
  state.failure = null;
  state.phaseSince = null;
  if (answer === 'retry') return undefined;
  state.outputs[phase.name] = null;
  account(run, phase, 'do', 'accepted');
  beginPhase(state, state.position + 1);
  return undefined;
}

function* undoPhase<Input>(run: Run<Input>, itinerary: Itinerary<Input>): Durable<Renew | undefined> {
  const { state } = run;
  const phase = currentPhase(state, itinerary);
  if (phase === undefined) throw new Error(`no phase ${state.position}`);
  if (phase.undo.kind === 'nothing') {
    beginPhase(state, state.position - 1);
    return undefined;
  }
  beginAttempt(run, phase, 'undo');
  const result = yield* guarded(phase.undo.run(run));
  if (isRenew(result)) return renew;
  state.attempt = null;
  if (result.ok) {
    state.undone[phase.name] = result.value ?? null;
    account(run, phase, 'undo', 'done');
    beginPhase(state, state.position - 1);
    return undefined;
  }
  if (result.failure.retry === 'transient' && patient(run, undoPatienceMsMax))
    return yield* backOff(run, result.failure);
  const answer = yield* park(run, {
    text: `Undoing "${phase.name}" failed: ${phase.undo.what}. retry: try again; skip: leave it undone and clean up by hand.`,
    answers: ['retry', 'skip'],
    failure: failureOf('UndoFailed', { message: result.failure.message, subject: result.failure.subject }),
  });
  state.phaseSince = null;
  if (answer === 'retry') return undefined;
  account(run, phase, 'undo', 'skipped');
  beginPhase(state, state.position - 1);
  return undefined;
}

/** Runs a phase; what it throws is a bug, of which nobody knows what it left behind. */
function* guarded(phase: Durable<Step<unknown>>): Durable<Step<unknown>> {
  try {
    return yield* phase;
  } catch (thrown) {
    return failed(failureOf('Bug', { message: describeThrown(thrown) }));
  }
}

function* backOff<Input>(run: Run<Input>, failure: Failure): Durable<Renew | undefined> {
  run.showProgress(null, `${failure.message} Trying again.`);
  const end = yield* run.pause(backOffMs(run.state.attempts, run.context.df.instanceId));
  return end === 'renew' ? renew : undefined;
}

function unwindBecause(state: SagaState, failure: Failure): void {
  state.failure = failure;
  state.direction = 'unwind';
  beginPhase(state, state.touched ? state.position : state.position - 1);
}

const canceled = (state: SagaState): Failure =>
  failureOf('CanceledByOperator', { message: `Canceled${state.cancel?.reason ? `: ${state.cancel.reason}` : ''}.` });

/** A run that failed before anything was moved was rejected; later failures rolled it back. */
function failedWhilePreparing<Input>(state: SagaState, itinerary: Itinerary<Input>): boolean {
  if (state.cancel !== null) return false;
  const failure = state.log.findLast((entry) => entry.action === 'do' && entry.outcome === 'failed');
  return itinerary.phases.find((phase) => phase.name === failure?.name)?.step === 'Prepare';
}
