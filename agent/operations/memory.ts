import type { OperationId, RunId, VmId } from '../../contracts/ids';
import type { OperationProgress } from '../../contracts/operations';
import type { OperationEnd, StoreEvent } from './events';
import { parseTask, vmOf, type Operation } from './task';

/** An operation as the store remembers it. `ended` is null while it is to be carried out. */
export type OperationRecord = Operation & {
  readonly acceptedAtMs: number;
  readonly cancelAsked: boolean;
  readonly ended: OperationEnded | null;
};

export type OperationEnded = {
  readonly atMs: number;
  readonly end: OperationEnd;
  readonly progress: OperationProgress | null;
};

type RunMemory = { epoch: number; readonly fenced: Set<VmId> };

/** What the events of the store's log add up to. Changed by `apply` alone, with an event that is durable. */
export class StoreMemory {
  readonly #operations = new Map<OperationId, OperationRecord>();
  readonly #runs = new Map<RunId, RunMemory>();
  readonly #unfinished = new Set<OperationId>();

  get(operationId: OperationId): OperationRecord | undefined {
    return this.#operations.get(operationId);
  }

  epochOf(runId: RunId): number {
    return this.#runs.get(runId)?.epoch ?? 0;
  }

  fenced(runId: RunId, vmId: VmId): boolean {
    return this.#runs.get(runId)?.fenced.has(vmId) ?? false;
  }

  unfinished(): OperationRecord[] {
    return [...this.#unfinished].map((id) => this.#known(id));
  }

  /** Throws when the event cannot follow those before it, or has an input that is not of this contract. */
  apply(event: StoreEvent): void {
    switch (event.event) {
      case 'accepted':
        this.#accept(event);
        return;
      case 'cancel-asked':
        this.#operations.set(event.operationId, { ...this.#known(event.operationId), cancelAsked: true });
        return;
      case 'ended': {
        const { atMs, end, progress } = event;
        this.#operations.set(event.operationId, { ...this.#known(event.operationId), ended: { atMs, end, progress } });
        this.#unfinished.delete(event.operationId);
        return;
      }
      case 'run':
        this.#runs.set(event.runId, { epoch: event.epoch, fenced: new Set(event.fenced) });
        return;
      default:
        event satisfies never;
    }
  }

  /** Forgets operations that ended before `beforeMs`, not what is known of their runs. Answers how many. */
  forget(beforeMs: number): number {
    const old = [...this.#operations.values()].filter(({ ended }) => ended !== null && ended.atMs < beforeMs);
    for (const { operationId } of old) this.#operations.delete(operationId);
    return old.length;
  }

  /** The fewest events that add up to this memory. */
  *events(): Iterable<StoreEvent> {
    for (const [runId, { epoch, fenced }] of this.#runs) yield { event: 'run', runId, epoch, fenced: [...fenced] };
    for (const { operationId, runId, epoch, task, acceptedAtMs, cancelAsked, ended } of this.#operations.values()) {
      yield { event: 'accepted', atMs: acceptedAtMs, operationId, runId, epoch, kind: task.kind, input: task.input };
      if (cancelAsked) yield { event: 'cancel-asked', atMs: acceptedAtMs, operationId };
      if (ended !== null) yield { event: 'ended', operationId, ...ended };
    }
  }

  #known(operationId: OperationId): OperationRecord {
    const record = this.#operations.get(operationId);
    if (record === undefined) throw new Error(`the operation log speaks of ${operationId}, which it never accepted`);
    return record;
  }

  #accept(event: Extract<StoreEvent, { event: 'accepted' }>): void {
    const { operationId, runId, epoch, kind, input, atMs } = event;
    const task = parseTask(kind, input);
    if (!task.ok)
      throw new Error(`the operation log holds ${operationId} of another contract: ${task.failure.message}`);
    const record = { operationId, runId, epoch, task: task.value, acceptedAtMs: atMs, cancelAsked: false, ended: null };
    this.#operations.set(operationId, record);
    this.#unfinished.add(operationId);
    const run = this.#runs.get(runId) ?? { epoch, fenced: new Set() };
    run.epoch = Math.max(run.epoch, epoch);
    if (kind === 'fence-vm') run.fenced.add(vmOf(record));
    this.#runs.set(runId, run);
  }
}
