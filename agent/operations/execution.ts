import { describeThrown } from '../../contracts/failure';
import { isOfByteRoute, type OperationProgress } from '../../contracts/operations';
import type { Clock } from '../clock';
import type { Log, LogFields } from '../log';
import type { OperationEnd } from './events';
import type { CarryOut } from './handlers';
import type { LiveOperation } from './live';
import { agentError, perform } from './perform';
import { AppendError } from './record-log';
import { refusedAfterStart } from './rules';
import type { StartMarks } from './start-marks';
import type { OperationStore } from './store';
import { vmOf, type Operation } from './task';
import { Turns, type Release } from './turns';

export type ExecutionParts = {
  readonly store: OperationStore;
  readonly marks: StartMarks;
  readonly carryOut: CarryOut;
  readonly clock: Clock;
  readonly log: Log;
  /** How many pulls this host carries out side by side, over all runs, and beside them as many that stage. */
  readonly pullsAtOnceMax: number;
};

/** Who was there before an operation. */
export type Before = {
  /** Operations of older epochs of its run, which were told to stop. It starts when they have. */
  readonly older: readonly LiveOperation[];
  /** Operations of its run and VM. */
  readonly siblings: readonly LiveOperation[];
};

/** Pauses between attempts to record an outcome: the first, and the longest. */
const recordAgainMs = { min: 1000, max: 30_000 };
const canceled: OperationEnd = { state: 'canceled' };

export const fieldsOf = ({ operationId, runId, epoch, task }: Operation): LogFields => ({
  operationId,
  runId,
  epoch,
  kind: task.kind,
  vmId: task.input.vmId,
});

/** Brings one accepted operation after the other to its recorded outcome: its turn, its work, its record. */
export class Execution {
  readonly #parts: ExecutionParts;
  readonly #ending: AbortSignal;
  readonly #vmTurns = new Turns();
  readonly #places: Turns;

  /** `ending` is aborted when the agent ends. */
  constructor(parts: ExecutionParts, ending: AbortSignal) {
    this.#parts = parts;
    this.#ending = ending;
    this.#places = new Turns(parts.pullsAtOnceMax);
  }

  /** Resolves when the outcome is durable, or when the agent ends before there is one. Never rejects. */
  async carryThrough(live: LiveOperation, before: Before): Promise<void> {
    const releases: Release[] = [];
    try {
      const end = (await this.#takeTurns(live, before, releases)) ? await this.#work(live) : endOfStopped(live);
      if (end !== undefined) await this.#record(live, end);
    } catch (thrown) {
      const reason = describeThrown(thrown);
      this.#parts.log.error('an operation has no recorded outcome', { ...fieldsOf(live.operation), reason });
    } finally {
      for (const release of releases) release();
      live.finish();
    }
  }

  /** False when the operation was stopped before it was its turn. */
  async #takeTurns(live: LiveOperation, { older, siblings }: Before, releases: Release[]): Promise<boolean> {
    const { operation, signal } = live;
    if (older.length > 0) {
      live.waitFor(`earlier attempts of this run to stop: ${older.map((one) => one.operation.operationId).join(', ')}`);
      await Promise.race([Promise.all(older.map(({ done }) => done)), aborted(signal)]);
    }
    const { kind } = operation.task;
    const isTransfer = isOfByteRoute(kind);
    if (siblings.length > 0) live.waitFor('another operation of this run and VM to end', siblings);
    const key = `${operation.runId}.${vmOf(operation)}`;
    const vmTurn = await this.#vmTurns.take(key, isTransfer ? 'shared' : 'alone', signal);
    if (vmTurn === undefined) return false;
    releases.push(vmTurn);
    if (isTransfer) {
      // Apart, since a pull that waits for a source keeps its place: two hosts that carry to each other would each keep out the other's source.
      const of = kind === 'stage' ? 'staging' : 'pulls';
      live.waitFor(`one of the ${this.#parts.pullsAtOnceMax} places for ${of} on this host`, siblings);
      const place = await this.#places.take(of, 'shared', signal);
      if (place === undefined) return false;
      releases.push(place);
    }
    live.goOn();
    return true;
  }

  async #work(live: LiveOperation): Promise<OperationEnd | undefined> {
    const { store, marks, carryOut, clock } = this.#parts;
    const { operation } = live;
    const vm = vmOf(operation);
    const started = marks.has(operation.runId, vm);
    const refusal = refusedAfterStart(operation, { started, fenced: store.fenced(operation.runId, vm) });
    if (refusal !== undefined) return { state: 'failed', failure: refusal };
    const report = (progress: OperationProgress): void => live.tracker.report(progress, clock.now());
    return perform(live, carryOut, marks, report);
  }

  /** Goes on until the outcome is durable: an operation that ended must not look as if it had not, nor be carried out again. */
  async #record(live: LiveOperation, end: OperationEnd): Promise<void> {
    const { store, clock, log } = this.#parts;
    const { operation } = live;
    const progress = live.tracker.at(clock.now(), null);
    let readable = end;
    for (let pauseMs = recordAgainMs.min; ; pauseMs = Math.min(2 * pauseMs, recordAgainMs.max)) {
      try {
        await store.end(operation.operationId, { end: readable, progress });
        log.info('operation ended', { ...fieldsOf(operation), ...fieldsOfEnd(readable) });
        return;
      } catch (thrown) {
        if (!(thrown instanceof AppendError)) {
          if (readable !== end) throw thrown;
          readable = agentError(operation, new Error('the outcome could not be recorded', { cause: thrown }));
          continue;
        }
        log.error('outcome not recorded', { ...fieldsOf(operation), reason: thrown.message });
        live.waitFor(`the state folder to take the outcome: ${thrown.message}`);
        if (this.#ending.aborted) return;
        await clock.sleep(pauseMs, this.#ending);
      }
    }
  }
}

const endOfStopped = ({ stopReason }: LiveOperation): OperationEnd | undefined =>
  stopReason === 'agent-ends' ? undefined : canceled;

const fieldsOfEnd = (end: OperationEnd): LogFields =>
  end.state === 'failed'
    ? { state: end.state, code: end.failure.code, effect: end.failure.effect, message: end.failure.message }
    : { state: end.state };

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
