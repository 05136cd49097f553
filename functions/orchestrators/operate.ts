import { cancelOperations, lookAtOperations, startOperation, type OperationRef } from '../../activities/definitions';
import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import { operationId as operationIdOf, type HostId, type OperationId } from '../../contracts/ids';
import type { RunInput } from '../../contracts/migration';
import {
  operations,
  rulesOf,
  type OperationInput,
  type OperationKind,
  type OperationOutput,
  type OperationView,
} from '../../contracts/operations';
import { callActivity } from '../saga/activity';
import type { Run } from '../saga/run';
import { renew, type Durable, type Step } from '../saga/step';
import { describeProgress } from './transfer-progress';

/** The app leaves `peer` and `ledgerWatermarkBytes` of a pull to the activity that sends it: a ticket never enters a history. */
export type AskedInput<K extends OperationKind> = K extends 'pull'
  ? Omit<OperationInput<'pull'>, 'peer' | 'ledgerWatermarkBytes'>
  : OperationInput<K>;

export type Asked<K extends OperationKind> = {
  readonly host: HostId;
  readonly kind: K;
  readonly input: AskedInput<K>;
  /** For a pull. */
  readonly pullFrom?: HostId;
  /** What people call it: a disk, `memory`; also its name in the ledger. */
  readonly label?: string;
  /** Bytes that it will move, as far as known before it says so itself. */
  readonly bytesExpected?: number;
  /** Whether a pause of the run stops it until somebody resumes the run. */
  readonly pausable?: boolean;
  /** `false`: it goes on when the run is canceled. */
  readonly heedsCancel?: false;
};

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

/** An operation under way as the orchestrator sees it. */
type Tracked<K extends OperationKind> = {
  readonly asked: Asked<K>;
  /** Its id before any pause. */
  readonly firstId: string;
  operationId: OperationId;
  view: OperationView | undefined;
  ended: Outcome<OperationOutput<K>> | undefined;
};

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
  for (const one of all) {
    if (one.ended === undefined) yield* start(run, one);
  }
  let heardAt = run.now().getTime();
  let waitMs = run.input.pace.lookMsMin;
  while (all.some((one) => one.ended === undefined)) {
    const firstFailure = failureAmong(all);
    if (firstFailure !== undefined) {
      yield* stop(run, all);
      return failed(firstFailure);
    }
    const pause = yield* run.pause(waitMs);
    if (pause === 'renew') return renew;
    if (pause === 'cancel' && all.some(({ asked: one }) => one.heedsCancel !== false)) {
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
    describeProgress(run, all, silence);
    waitMs = Math.min(run.input.pace.lookMsMax, Math.round(waitMs * 1.5));
  }
  return ended(all);
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

function track<K extends OperationKind>(run: Run<RunInput>, asked: Asked<K>): Tracked<K> {
  const firstId = run.nextOperationId();
  const operationId = operationIdOf.parse(run.idAfterPauses(firstId));
  const settled = run.settled(operationId);
  const ended = settled === undefined ? undefined : parseOutput(asked.kind, settled.output);
  return { asked, firstId, operationId, view: undefined, ended };
}

/** Sends an operation. Answers the failure when it is not known to have arrived: a look asks for it by its id then. */
function* start<K extends OperationKind>(run: Run<RunInput>, one: Tracked<K>): Durable<Failure | undefined> {
  const { host, kind, input, pullFrom, label } = one.asked;
  const sent = yield* callActivity(run.context, startOperation(kind), {
    host,
    operationId: one.operationId,
    runId: run.input.runId,
    epoch: run.epoch,
    input,
    ...(pullFrom === undefined ? {} : { pullFrom }),
    ...(label === undefined ? {} : { ledgerName: label }),
  });
  take(run, one, sent);
  return sent.ok || one.ended !== undefined ? undefined : sent.failure;
}

/** Asks after every operation that has not ended; starts those again of which the agent knows nothing. Answers who was silent, if anybody was. */
function* look<K extends OperationKind>(run: Run<RunInput>, all: readonly Tracked<K>[]): Durable<Failure | undefined> {
  const open = all.filter((one) => one.ended === undefined);
  const answer = yield* callActivity(run.context, lookAtOperations, {
    runId: run.input.runId,
    operations: open.map(refOf),
  });
  if (!answer.ok) return answer.failure;
  let silence: Failure | undefined;
  for (const [index, one] of open.entries()) {
    const view = answer.value[index];
    if (view === undefined) throw new Error('a look answers every operation');
    if (!view.ok && view.failure.code === 'OperationLost') {
      silence = (yield* start(run, one)) ?? silence;
      continue;
    }
    take(run, one, view);
    if (!view.ok && one.ended === undefined) silence = view.failure;
  }
  return silence;
}

/** Takes in what is known of an operation. A transient failure says nothing yet: the next look asks again. */
function take<K extends OperationKind>(run: Run<RunInput>, one: Tracked<K>, answer: Outcome<OperationView>): void {
  if (!answer.ok) {
    if (answer.failure.retry === 'permanent') one.ended = answer;
    return;
  }
  const view = answer.value;
  one.view = view;
  switch (view.state) {
    case 'running':
      return;
    case 'succeeded':
      one.ended = parseOutput(one.asked.kind, view.output);
      if (one.ended.ok) run.settle(one.operationId, view.output);
      return;
    case 'failed':
      one.ended = failed(view.failure);
      return;
    case 'canceled':
      one.ended = failed(
        failureOf('CanceledByOperator', {
          message: `${one.asked.kind} was stopped.`,
          effect: rulesOf(one.asked.kind).afterCancel ?? 'applied',
        }),
      );
  }
}

function parseOutput<K extends OperationKind>(kind: K, output: unknown): Outcome<OperationOutput<K>> {
  const parsed = operations[kind].output.safeParse(output);
  // The schema of a kind gives that kind's output; the registry's type cannot say so for a K that is not yet known.
  if (parsed.success) return succeeded(parsed.data as OperationOutput<K>);
  return failed(
    failureOf('Bug', { message: `${kind} answered something else than its output: ${parsed.error.message}` }),
  );
}

/**
 * Stops what moves bytes until somebody resumes the run, then starts it again under another id: it goes on where it was. Nothing is
 * started again before the agent has said that it stopped.
 */
function* holdWhilePaused<K extends OperationKind>(
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
function* stop<K extends OperationKind>(run: Run<RunInput>, all: readonly Tracked<K>[]): Durable<void> {
  const until = run.now().getTime() + stopMsMax;
  const open = (): Tracked<K>[] => all.filter((one) => one.ended === undefined);
  if (open().length > 0)
    yield* callActivity(run.context, cancelOperations, { runId: run.input.runId, operations: open().map(refOf) });
  while (open().length > 0 && run.now().getTime() < until) {
    yield* look(run, open());
    if (open().length > 0 && (yield* run.pause(run.input.pace.lookMsMin)) === 'renew') break;
  }
}

const failureAmong = <K extends OperationKind>(all: readonly Tracked<K>[]): Failure | undefined => {
  for (const one of all) if (one.ended?.ok === false) return one.ended.failure;
  return undefined;
};

const refOf = <K extends OperationKind>(one: Tracked<K>): OperationRef => ({
  host: one.asked.host,
  operationId: one.operationId,
  ...(one.asked.label === undefined ? {} : { ledgerName: one.asked.label }),
});

const silent = (last: Failure): Failure =>
  failureOf('AgentSilent', { message: `No answer since too long: ${last.message}`, subject: last.subject });
