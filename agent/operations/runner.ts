import { setMaxListeners } from 'node:events';
import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import type { OperationId, RunId } from '../../contracts/ids';
import type { OperationView } from '../../contracts/operations';
import { within } from '../clock';
import { failureOfIo } from '../files';
import { refusalOf, startedBy } from './admission';
import { Execution, fieldsOf, type ExecutionParts } from './execution';
import { LiveOperation, viewOfRecord, type StopReason } from './live';
import type { OperationRecord } from './memory';
import { AppendError } from './record-log';
import { sameRequest, vmOf, type Operation } from './task';

export type RunnerParts = ExecutionParts & {
  /** An operation that was told to stop and has not after so many milliseconds is complained of. */
  readonly stopMsMax: number;
};

type Launch = { readonly stopReason?: StopReason | undefined; readonly isResumed?: boolean };

/**
 * Takes operations on and has them carried out: each accepted once, durable before it starts; one at a time for a run's VM, but for
 * pulls; the outcome durable before anybody is told. A newer epoch of a run stops what older ones still do and waits for it.
 */
export class OperationRunner {
  readonly #parts: RunnerParts;
  readonly #live = new Map<OperationId, LiveOperation>();
  readonly #ending = new AbortController();
  readonly #execution: Execution;
  #admission: Promise<unknown> = Promise.resolve();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    // Every operation listens to it.
    setMaxListeners(Number.POSITIVE_INFINITY, this.#ending.signal);
    this.#execution = new Execution(parts, this.#ending.signal);
  }

  /** Carries on what was under way when the last agent of this state folder ended. To be called once, before the first request. */
  resume(): void {
    const { store, log } = this.#parts;
    for (const record of store.unfinished()) {
      const overtaken = record.epoch < store.epochOf(record.runId) ? 'newer-epoch' : undefined;
      const stopReason = record.cancelAsked ? 'cancel-asked' : overtaken;
      log.info('operation resumed', { ...fieldsOf(record), stopReason });
      this.#launch(record, { stopReason, isResumed: true });
    }
  }

  /** Accepts an operation and starts it, or answers what is known of it by its id. */
  async start(operation: Operation): Promise<Outcome<OperationView>> {
    // One after the other: what is decided about an operation depends on those before it.
    const admitted = this.#admission.then(() => this.#admit(operation));
    this.#admission = admitted.catch(() => undefined);
    return admitted;
  }

  look(operationId: OperationId): Outcome<OperationView> {
    const record = this.#parts.store.get(operationId);
    return record === undefined ? failed(unknownOperation(operationId)) : succeeded(this.#viewOf(record));
  }

  /** Waits until the operation has ended, for `waitMs` at most, and looks at it. `signal` ends the wait early. */
  async waitForEnd(operationId: OperationId, waitMs: number, signal: AbortSignal): Promise<Outcome<OperationView>> {
    const live = this.#live.get(operationId);
    const stopWaiting = AbortSignal.any([signal, this.#ending.signal]);
    if (live !== undefined && waitMs > 0) await within(this.#parts.clock, waitMs, live.done, stopWaiting);
    return this.look(operationId);
  }

  /** Has an operation stopped, durably: a restart does not carry it on. An operation that has ended stays as it is. */
  async cancel(operationId: OperationId): Promise<Outcome<OperationView>> {
    const record = this.#parts.store.get(operationId);
    if (record === undefined) return failed(unknownOperation(operationId));
    if (record.ended === null && !record.cancelAsked) {
      try {
        await this.#parts.store.askCancel(operationId);
      } catch (thrown) {
        return failed(failureOfIo(thrown, 'the cancel could not be recorded', 'none'));
      }
      const live = this.#live.get(operationId);
      if (live !== undefined) this.#stop(live, 'cancel-asked');
    }
    return this.look(operationId);
  }

  /** The operations under way, of one run or of all. */
  underWay(runId?: RunId): Operation[] {
    const all = [...this.#live.values()].map(({ operation }) => operation);
    return runId === undefined ? all : all.filter((operation) => operation.runId === runId);
  }

  /** Takes nothing on any more and has all stop. Answers the operations that have not stopped after `withinMs`. */
  async close(withinMs: number): Promise<Operation[]> {
    this.#ending.abort();
    await this.#admission;
    const live = [...this.#live.values()];
    for (const one of live) one.stop('agent-ends');
    await within(this.#parts.clock, withinMs, Promise.all(live.map(({ done }) => done)));
    return this.underWay();
  }

  async #admit(operation: Operation): Promise<Outcome<OperationView>> {
    const { store, marks, log } = this.#parts;
    const known = store.get(operation.operationId);
    if (known !== undefined)
      return sameRequest(known, operation) ? succeeded(this.#viewOf(known)) : failed(idConflict(known));
    if (this.#ending.signal.aborted) return failed(agentEnds());
    const underWay = this.underWay();
    const refusal = refusalOf(operation, {
      epoch: store.epochOf(operation.runId),
      started: startedBy(operation, marks, underWay),
      fenced: store.fenced(operation.runId, vmOf(operation)),
      underWay,
    });
    if (refusal !== undefined) return failed(refusal);
    try {
      await store.accept(operation);
    } catch (thrown) {
      const effect = thrown instanceof AppendError && !thrown.rolledBack ? 'unknown' : 'none';
      return failed(failureOfIo(thrown, 'the operation could not be recorded', effect));
    }
    log.info('operation accepted', fieldsOf(operation));
    return succeeded(this.#launch(operation).view());
  }

  #launch(operation: Operation, { stopReason, isResumed }: Launch = {}): LiveOperation {
    const { operationId, runId, epoch } = operation;
    const live = new LiveOperation(operation, this.#parts.clock, isResumed);
    const ofRun = [...this.#live.values()].filter((one) => one.operation.runId === runId);
    const older = ofRun.filter((one) => one.operation.epoch < epoch);
    const siblings = ofRun.filter((one) => vmOf(one.operation) === vmOf(operation));
    for (const one of older) this.#stop(one, 'newer-epoch');
    if (stopReason !== undefined) this.#stop(live, stopReason);
    this.#live.set(operationId, live);
    void this.#execution.carryThrough(live, { older, siblings });
    void live.done.then(() => this.#live.delete(operationId));
    return live;
  }

  #stop(live: LiveOperation, reason: StopReason): void {
    live.stop(reason);
    void this.#complainUnlessStopped(live, reason);
  }

  async #complainUnlessStopped(live: LiveOperation, reason: StopReason): Promise<void> {
    const { clock, log, stopMsMax } = this.#parts;
    const stopped = await within(clock, stopMsMax, live.done, this.#ending.signal);
    if (stopped === 'late') log.error('an operation does not stop', { ...fieldsOf(live.operation), reason, stopMsMax });
  }

  #viewOf(record: OperationRecord): OperationView {
    const live = record.ended === null ? this.#live.get(record.operationId) : undefined;
    return live?.view() ?? viewOfRecord(record);
  }
}

const unknownOperation = (operationId: OperationId): Failure =>
  failureOf('OperationLost', {
    message: `this host knows no operation ${operationId}: it was never accepted here, or ended more than 30 days ago`,
    subject: { operationId },
  });

const idConflict = ({ operationId, task, runId }: OperationRecord): Failure =>
  failureOf('IdConflict', {
    message: `operation ${operationId} is another request: ${task.kind} of run ${runId}`,
    subject: { operationId },
  });

const agentEnds = (): Failure =>
  failureOf('RelayUnreachable', { message: 'the agent of this host is about to end and takes no operation on' });
