import type { OrchestrationContext } from 'durable-functions';
import { z } from 'zod';
import { leaveStaging, writeReceipt, type RunOutcome } from '../../activities/definitions';
import { isStaged, runInput, type RunInput, type RunReport } from '../../contracts/migration';
import { shownConcerns } from '../../contracts/preflight';
import { told, type Told } from '../../contracts/receipt';
import { callForRun } from '../saga/activity';
import { interpret, runOf, type SagaEnd } from '../saga/interpreter';
import type { Run } from '../saga/run';
import { initialState, sagaState, type SagaState } from '../saga/state';
import { isRenewal, type Durable } from '../saga/step';
import { itineraryOf } from './kinds';

/** A generation of a run: its input, and where the one before stopped. */
const generation = z.object({ input: runInput, state: sagaState.nullable() });
export type Generation = z.infer<typeof generation>;

/** What a lost leave leaves is removed by the timer. */
const leaveAttemptsMax = 3;

/** Receipts are written with patience: storage or an agent may be away when a run ends. */
const receiptAttemptsMax = 10;
const receiptRetryMs = 15_000;

/** The orchestrator of every kind: runs the itinerary that the run began with to an end, then leaves the receipt. */
export function* migrate(context: OrchestrationContext): Durable<RunOutcome | undefined> {
  const { input, state: kept } = generation.parse(context.df.getInput());
  const itinerary = itineraryOf(input);
  const state = kept ?? initialState(new Date(context.df.currentUtcDateTime.getTime()).toISOString());
  const run = runOf(context, input, state, itinerary);
  const end = yield* interpret(run, itinerary);
  if (isRenewal(end)) {
    const next: Generation = { input, state };
    context.df.continueAsNew(next);
    return undefined;
  }
  if (isStaged(input.request)) yield* leaveContainer(run);
  yield* leaveReceipt(run, end, toldOf(itinerary.tells(state.outputs, state.undone), state));
  context.df.setCustomStatus(finalReport(state, end));
  return { id: input.request.id, state: end, failure: state.failure };
}

const toldOf = (tells: Partial<Told>, { concerns }: SagaState): Told => told.parse({ ...tells, concerns });

/** Lets go of the staged blocks of the run; those that no run of its batch needs are removed. */
function* leaveContainer(run: Run<RunInput>): Durable<void> {
  run.showProgress(null, 'the staging container');
  for (let attempt = 1; attempt <= leaveAttemptsMax; attempt += 1) {
    const left = yield* callForRun(run, leaveStaging, { runId: run.input.runId });
    if (left.ok) return;
    yield* run.pause(receiptRetryMs);
  }
}

function* leaveReceipt(run: Run<RunInput>, end: SagaEnd, tells: Told): Durable<void> {
  const { state, input } = run;
  run.showProgress(null, 'the receipt');
  for (let attempt = 1; attempt <= receiptAttemptsMax; attempt += 1) {
    const written = yield* callForRun(run, writeReceipt, {
      input,
      state: end,
      startedAt: state.startedAt,
      endedAt: run.now().toISOString(),
      phases: state.log,
      told: tells,
      failure: state.failure,
      lastAttempt: attempt === receiptAttemptsMax,
    });
    if (written.ok || written.failure.retry === 'permanent') return;
    yield* run.pause(receiptRetryMs);
  }
}

const finalReport = (state: SagaState, end: SagaEnd): RunReport => ({
  schema: 1,
  state: end,
  phase: null,
  step: null,
  unwinding: false,
  progress: null,
  expectedEndAt: null,
  waitingFor: null,
  question: null,
  failure: state.failure,
  cancelRequested: state.cancel !== null,
  cancelable: false,
  pausable: false,
  paused: false,
  ...shownConcerns(state.concerns),
});
