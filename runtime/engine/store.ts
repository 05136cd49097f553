import type { HistoryEvent, ParentInstance } from './history';

/** The states of an instance, as the management API names them. */
export const runtimeStatuses = [
  'Pending',
  'Running',
  'Suspended',
  'Completed',
  'Failed',
  'Terminated',
  'ContinuedAsNew',
  'Canceled',
] as const;
export type RuntimeStatus = (typeof runtimeStatuses)[number];

export const isTerminal = (status: RuntimeStatus): boolean =>
  status === 'Completed' || status === 'Failed' || status === 'Terminated' || status === 'Canceled';

/** An orchestration instance or an entity: one row. Texts named input, output, customStatus are JSON, null for none. */
export type InstanceRow = {
  readonly instanceId: string;
  readonly executionId: string;
  readonly name: string;
  readonly version: string | null;
  readonly status: RuntimeStatus;
  readonly input: string | null;
  readonly output: string | null;
  readonly customStatus: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly parent: ParentInstance | null;
  readonly sourceInstanceId: string | null;
  /** Events of the current generation in the history. */
  readonly eventCount: number;
  /** Events that the orchestrator function has seen in an earlier turn. */
  readonly playedCount: number;
  /** A new generation began inside a turn and has not been played yet. */
  readonly isTurnDue: boolean;
};

export type NewMessage = {
  readonly instanceId: string;
  /** Only this execution may take it; null for any. */
  readonly executionId: string | null;
  readonly event: HistoryEvent;
};
export type Message = NewMessage & { readonly id: number };

export type TimerRow = {
  readonly instanceId: string;
  readonly executionId: string;
  readonly timerId: number;
  readonly dueAtMs: number;
};

export type NewActivity = {
  readonly instanceId: string;
  readonly executionId: string;
  readonly taskId: number;
  readonly name: string;
  readonly input: string | null;
};
export type ActivityRow = NewActivity & { readonly id: number };

export type InstanceFilter = {
  readonly createdFromMs?: number | undefined;
  readonly createdToMs?: number | undefined;
  readonly statuses?: readonly RuntimeStatus[] | undefined;
  readonly idPrefix?: string | undefined;
  /** Entities are instances too; leave them out, take only them, or take both. */
  readonly kind?: 'orchestration' | 'entity' | undefined;
};

/** What may be done to the state inside one transaction. Reads see the writes before them. */
export interface StoreTx {
  instance(instanceId: string): InstanceRow | undefined;
  putInstance(row: InstanceRow): void;
  /** Forgets an instance: row, history, inbox, timers and activities. */
  deleteInstance(instanceId: string): void;
  /** Instances in the order of their ids, those after `afterId` only. */
  listInstances(filter: InstanceFilter, afterId: string, limit: number): InstanceRow[];

  /** Ids of instances that have ended and were last touched before `beforeMs`, longest ago first. */
  endedBefore(beforeMs: number, limit: number): string[];

  history(instanceId: string): readonly HistoryEvent[];
  /** Makes `events` the history. Up to position `from` it is what it was: its whole length, or 0 when it is written anew. */
  writeHistory(instanceId: string, from: number, events: readonly HistoryEvent[]): void;

  post(message: NewMessage): void;
  /** The oldest messages of an instance, in the order of their arrival. */
  inbox(instanceId: string, limit: number): Message[];
  deleteMessages(instanceId: string, ids: readonly number[]): void;

  addTimer(timer: TimerRow): void;
  deleteTimer(instanceId: string, timerId: number): void;
  deleteTimers(instanceId: string): void;
  /** Timers of an instance that are due, earliest first. */
  dueTimers(instanceId: string, nowMs: number): TimerRow[];
  /** Instances that have a due timer. */
  instancesDue(nowMs: number): string[];
  /** When the first timer is due of those that are due after `afterMs`. */
  nextTimerMs(afterMs: number): number | undefined;

  addActivity(activity: NewActivity): number;
  activity(id: number): ActivityRow | undefined;
  /** False when it is gone already: somebody else completed it, or its instance is no more. */
  deleteActivity(id: number): boolean;
  openActivityIds(): number[];
  /** Instances with a message or a due turn. */
  instancesWithWork(): string[];

  /** Small facts of the runtime by name: keys, the last run of a timer function. */
  fact(name: string): string | undefined;
  putFact(name: string, text: string): void;
}

/** Where the state lives. All is synchronous: a transaction is one uninterrupted piece of work. */
export interface Store {
  /** Runs `work`; when it returns its writes are durable, when it throws they are undone. */
  transaction<T>(work: (tx: StoreTx) => T): T;
  /** Reads outside of a transaction. */
  read<T>(work: (tx: StoreTx) => T): T;
  close(): void;
}

/** The store cannot take writes just now (a full disk, say); nothing was written, and the same may succeed later. */
export class StoreUnavailable extends Error {}
