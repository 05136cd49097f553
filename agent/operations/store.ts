import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describeThrown } from '../../contracts/failure';
import type { OperationId, RunId, VmId } from '../../contracts/ids';
import type { Clock } from '../clock';
import type { Log } from '../log';
import { storeEvent, type StoreEvent } from './events';
import { StoreMemory, type OperationEnded, type OperationRecord } from './memory';
import { RecordLog } from './record-log';
import type { Operation } from './task';

/** How long a finished operation is remembered. */
export const keptMs = 30 * 24 * 3_600_000;
/** A log that is shorter is not worth rewriting for its length alone. */
const rewriteBytesMin = 4 * 1024 * 1024;

export type StoreOptions = {
  /** The store makes this folder, and owns it. */
  readonly folder: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
};

/**
 * The operations of this host, durable: accepted before they start, their outcome before it is answered, the highest epoch of each run.
 *
 * All is in one append-only log with checksums (record-log.ts) rather than in a file an operation: a change is one sequential write and
 * one sync instead of two of each, several changes share a sync, and the order of changes to different operations (which epoch came
 * first) is part of the record. What stays is folded into memory; the log is rewritten when much of it is about operations that are no
 * longer kept.
 */
export class OperationStore {
  readonly #memory: StoreMemory;
  readonly #records: RecordLog<StoreEvent>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #log: Log;
  #rewriteAtBytes = rewriteBytesMin;

  private constructor(memory: StoreMemory, records: RecordLog<StoreEvent>, { clock, log }: StoreOptions) {
    this.#memory = memory;
    this.#records = records;
    this.#clock = clock;
    this.#log = log;
  }

  /** Opens or makes the store. Throws when its log is damaged or was written by an agent whose contract this one does not know. */
  static async open(options: StoreOptions): Promise<OperationStore> {
    await mkdir(options.folder, { recursive: true });
    const path = join(options.folder, 'operations.log');
    const memory = new StoreMemory();
    const { log: records, cutOffBytes } = await RecordLog.open<StoreEvent>(path, {
      parse: (json) => storeEvent.parse(json),
      apply: (event) => memory.apply(event),
    });
    if (cutOffBytes > 0) options.log.warn('torn end of the operation log cut off', { path, bytes: cutOffBytes });
    const store = new OperationStore(memory, records, options);
    await store.prune();
    return store;
  }

  get(operationId: OperationId): OperationRecord | undefined {
    return this.#memory.get(operationId);
  }

  /** The highest epoch that was accepted of this run; 0 when the run is unknown here. */
  epochOf(runId: RunId): number {
    return this.#memory.epochOf(runId);
  }

  /** Whether this run ever had this host fence the VM: then the host is (also) the source of the move. */
  fenced(runId: RunId, vmId: VmId): boolean {
    return this.#memory.fenced(runId, vmId);
  }

  /** Operations without an outcome, in the order in which they were accepted. */
  unfinished(): OperationRecord[] {
    return this.#memory.unfinished();
  }

  /** Durable when it resolves; see `RecordLog.append` for how it rejects. The id must be new. */
  async accept({ operationId, runId, epoch, task }: Operation): Promise<void> {
    if (this.get(operationId) !== undefined) throw new Error(`operation ${operationId} was accepted before`);
    const { kind, input } = task;
    await this.#records.append({ event: 'accepted', atMs: this.#clock.now(), operationId, runId, epoch, kind, input });
  }

  /** Remembers that the operation is to be stopped, so that a restart does not carry it on. */
  async askCancel(operationId: OperationId): Promise<void> {
    await this.#records.append({ event: 'cancel-asked', atMs: this.#clock.now(), operationId });
  }

  /** The one outcome of the operation; a second one throws. Durable when it resolves. */
  async end(operationId: OperationId, ended: Omit<OperationEnded, 'atMs'>): Promise<void> {
    const record = this.get(operationId);
    if (record === undefined || record.ended !== null) throw new Error(`operation ${operationId} is not under way`);
    await this.#records.append({ event: 'ended', atMs: this.#clock.now(), operationId, ...ended });
  }

  /** Forgets operations that ended more than `keptMs` ago, and rewrites the log when that or its length makes it worth while. */
  async prune(): Promise<void> {
    const forgotten = this.#memory.forget(this.#clock.now() - keptMs);
    if (forgotten === 0 && this.#records.sizeBytes < this.#rewriteAtBytes) return;
    try {
      await this.#records.replace(() => this.#memory.events());
      this.#rewriteAtBytes = Math.max(rewriteBytesMin, 2 * this.#records.sizeBytes);
      this.#log.info('operation log rewritten', { forgotten, bytes: this.#records.sizeBytes });
    } catch (thrown) {
      // Nothing is lost: the old log stays, and the next pruning tries again.
      this.#log.warn('operation log not rewritten', { reason: describeThrown(thrown) });
    }
  }

  async close(): Promise<void> {
    await this.#records.close();
  }
}
