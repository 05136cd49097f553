import type { OrchestrationContext } from 'durable-functions';
import { z } from 'zod';
import { writeReceipt, type RunOutcome } from '../../activities/definitions';
import { runInput, type RunInput, type RunReport } from '../../contracts/migration';
import { callActivity } from '../saga/activity';
import { interpret, runOf, type SagaEnd } from '../saga/interpreter';
import type { Itinerary } from '../saga/itinerary';
import type { Run } from '../saga/run';
import { initialState, sagaState, type SagaState } from '../saga/state';
import { isRenewal, type Durable } from '../saga/step';

/** A generation of a run: its input, and where the one before stopped. */
const generation = z.object({ input: runInput, state: sagaState.nullable() });
export type Generation = z.infer<typeof generation>;

/** Receipts are written with patience: storage or an agent may be away when a run ends. */
const receiptAttemptsMax = 10;
const receiptRetryMs = 15_000;

/** The orchestrator of a kind: runs its itinerary to an end, then leaves the receipt. */
export const migrate = (itinerary: Itinerary<RunInput>) =>
  function* migration(context: OrchestrationContext): Durable<RunOutcome | undefined> {
    const { input, state: kept } = generation.parse(context.df.getInput());
    const state = kept ?? initialState(new Date(context.df.currentUtcDateTime.getTime()).toISOString());
    const run = runOf(context, input, state, itinerary);
    const end = yield* interpret(run, itinerary);
    if (isRenewal(end)) {
      const next: Generation = { input, state };
      context.df.continueAsNew(next);
      return undefined;
    }
    yield* leaveReceipt(run, end);
    context.df.setCustomStatus(finalReport(state, end));
    return { id: input.request.id, state: end, failure: state.failure };
  };

function* leaveReceipt(run: Run<RunInput>, end: SagaEnd): Durable<void> {
  const { state, input } = run;
  run.showProgress(null, 'the receipt');
  for (let attempt = 1; attempt <= receiptAttemptsMax; attempt += 1) {
    const written = yield* callActivity(run.context, writeReceipt, {
      input,
      state: end,
      startedAt: state.startedAt,
      endedAt: run.now().toISOString(),
      phases: state.log,
      outputs: state.outputs,
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
  waitingFor: null,
  question: null,
  failure: state.failure,
  cancelRequested: state.cancel !== null,
  cancelable: false,
});
