import type { OperationView } from '../../contracts/operations';
import { isoTime, type Clock } from '../clock';
import { agentEnds } from '../hyperv/agent-ends';
import type { OperationRecord } from './memory';
import { ProgressTracker } from './progress';
import type { Operation } from './task';

/** Why an operation was told to stop. One that stops because the agent ends has no outcome yet: the next start carries it out again. */
export type StopReason = 'cancel-asked' | 'newer-epoch' | 'agent-ends';

/** An operation that this process has in hand: waiting for its turn, at work, or having its outcome recorded. */
export class LiveOperation {
  readonly operation: Operation;
  readonly tracker: ProgressTracker;
  /** Resolves when this process is done with the operation. */
  readonly done: Promise<void>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #stop = new AbortController();
  #waiting: { readonly what: string; readonly others: readonly LiveOperation[] } | undefined;
  readonly #done = Promise.withResolvers<undefined>();
  #stopped: { readonly reason: StopReason; readonly askedAtMs: number } | undefined;

  constructor(
    operation: Operation,
    clock: Pick<Clock, 'now'>,
    /** An agent that ended had it in hand: what it did of it by then is not known. */
    readonly isResumed = false,
  ) {
    this.operation = operation;
    this.#clock = clock;
    this.tracker = new ProgressTracker(clock.now());
    this.done = this.#done.promise;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get stopReason(): StopReason | undefined {
    return this.#stopped?.reason;
  }

  /** Tells the operation to stop at its next safe point. The first reason stands, but one that ends the operation beats the agent's end. */
  stop(reason: StopReason): void {
    if (this.#stopped === undefined || this.#stopped.reason === 'agent-ends')
      this.#stopped = { reason, askedAtMs: this.#clock.now() };
    this.#stop.abort(reason === 'agent-ends' ? agentEnds() : undefined);
  }

  /** Says what the runner waits for on behalf of this operation. It counts as moving while one of `others` moves. */
  waitFor(what: string, others: readonly LiveOperation[] = []): void {
    this.#waiting = { what, others };
  }

  /** The operation's own work goes on. */
  goOn(): void {
    this.#waiting = undefined;
    this.tracker.touch(this.#clock.now());
  }

  finish(): void {
    this.#done.resolve(undefined);
  }

  view(): OperationView {
    const nowMs = this.#clock.now();
    return {
      ...headOf(this.operation),
      movedAt: isoTime(this.#movedAtMs()),
      progress: this.tracker.at(nowMs, this.#waitsFor(nowMs)),
      state: 'running',
    };
  }

  #movedAtMs(): number {
    const others = this.#waiting?.others ?? [];
    return Math.max(this.tracker.movedAtMs, ...others.map(({ tracker }) => tracker.movedAtMs));
  }

  #waitsFor(nowMs: number): string | null {
    if (this.#stopped === undefined) return this.#waiting?.what ?? null;
    return `the operation to stop, as it was told ${Math.round((nowMs - this.#stopped.askedAtMs) / 1000)} s ago`;
  }
}

const headOf = ({ operationId, runId, epoch, task }: Operation) => ({ operationId, runId, epoch, kind: task.kind });

/** The view of an operation that this process does not have in hand. */
export function viewOfRecord(record: OperationRecord): OperationView {
  const { acceptedAtMs, ended } = record;
  const head = { ...headOf(record), movedAt: isoTime(ended?.atMs ?? acceptedAtMs), progress: ended?.progress ?? null };
  return ended === null ? { ...head, state: 'running' } : { ...head, ...ended.end };
}
