import { lookAtOperations, startOperation, type OperationRef } from '../../activities/definitions';
import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import { operationId as operationIdOf, type HostId, type OperationId } from '../../contracts/ids';
import type { RunInput } from '../../contracts/migration';
import {
  operations,
  rulesOf,
  type ByteRouteKind,
  type OperationInput,
  type OperationKind,
  type OperationOutput,
  type OperationView,
} from '../../contracts/operations';
import { callForRun } from '../saga/activity';
import type { Run } from '../saga/run';
import type { Durable } from '../saga/step';
import { describeProgress } from './transfer-progress';

/**
 * The app leaves `peer` or `staging`, and `ledgerWatermarkBytes`, to the activity that sends an operation of the byte route: a ticket, access
 * and a key never enter a history.
 */
export type AskedInput<K extends OperationKind> = K extends ByteRouteKind
  ? Omit<OperationInput<K>, 'peer' | 'staging' | 'ledgerWatermarkBytes'>
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

/** An operation under way as the orchestrator sees it. */
export type Tracked<K extends OperationKind> = {
  readonly asked: Asked<K>;
  /** Its id before any pause. */
  readonly firstId: string;
  operationId: OperationId;
  view: OperationView | undefined;
  ended: Outcome<OperationOutput<K>> | undefined;
};

/** Whether a cancel of the run stops them. */
export const heeds = <K extends OperationKind>(all: readonly Tracked<K>[]): boolean =>
  all.some(({ asked }) => asked.heedsCancel !== false);

export function track<K extends OperationKind>(run: Run<RunInput>, asked: Asked<K>): Tracked<K> {
  const firstId = run.nextOperationId();
  const operationId = operationIdOf.parse(run.idAfterPauses(firstId));
  const settled = run.settled(operationId);
  const ended = settled === undefined ? undefined : parseOutput(asked.kind, settled.output);
  return { asked, firstId, operationId, view: undefined, ended };
}

/** As `start`. Says at once what the run waits for: others of them may take as long to be answered. */
export function* startAmong<K extends OperationKind>(
  run: Run<RunInput>,
  all: readonly Tracked<K>[],
  one: Tracked<K>,
): Durable<Failure | undefined> {
  const silence = yield* start(run, one);
  if (silence !== undefined) describeProgress(run, all, silence);
  return silence;
}

/** Sends an operation. Answers the failure when it is not known to have arrived: a look asks for it by its id then. */
export function* start<K extends OperationKind>(run: Run<RunInput>, one: Tracked<K>): Durable<Failure | undefined> {
  const { host, kind, input, pullFrom, label } = one.asked;
  const sent = yield* callForRun(run, startOperation(kind), {
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

/**
 * Asks after every operation that has not ended; starts those again of which the agent knows nothing, unless they are to stop. Answers
 * who was silent, if anybody was.
 */
export function* look<K extends OperationKind>(
  run: Run<RunInput>,
  all: readonly Tracked<K>[],
  lost: 'start again' | 'leave' = 'start again',
): Durable<Failure | undefined> {
  const open = all.filter((one) => one.ended === undefined);
  const answer = yield* callForRun(run, lookAtOperations, {
    runId: run.input.runId,
    operations: open.map(refOf),
  });
  if (!answer.ok) return answer.failure;
  const leaves = lost === 'leave' || (run.cancelRequested && heeds(open));
  let silence: Failure | undefined;
  for (const [index, one] of open.entries()) {
    const view = answer.value[index];
    if (view === undefined) throw new Error('a look answers every operation');
    if (!view.ok && view.failure.code === 'OperationLost') {
      if (!leaves) silence = (yield* startAmong(run, all, one)) ?? silence;
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

export const refOf = <K extends OperationKind>(one: Tracked<K>): OperationRef => ({
  host: one.asked.host,
  operationId: one.operationId,
  ...(one.asked.label === undefined ? {} : { ledgerName: one.asked.label }),
});

export const silent = (last: Failure): Failure =>
  failureOf('AgentSilent', { message: `No answer since too long: ${last.message}`, subject: last.subject });
