import type { HistoryEvent } from '../engine/history';
import {
  isTerminal,
  type ActivityRow,
  type InstanceFilter,
  type InstanceRow,
  type Message,
  type NewActivity,
  type NewMessage,
  type Store,
  type StoreTx,
  type TimerRow,
} from '../engine/store';

/** The state in memory, for tests. Written rows are never changed in place, so giving them out is safe. */
export class MemoryStore implements Store, StoreTx {
  readonly #instances = new Map<string, InstanceRow>();
  readonly #histories = new Map<string, readonly HistoryEvent[]>();
  readonly #inboxes = new Map<string, Message[]>();
  readonly #timers = new Map<string, TimerRow[]>();
  readonly #activities = new Map<number, ActivityRow>();
  readonly #facts = new Map<string, string>();
  #idNext = 1;
  #undo: (() => void)[] | undefined;

  transaction<T>(work: (tx: StoreTx) => T): T {
    if (this.#undo !== undefined) throw new Error('a transaction inside a transaction');
    const undo: (() => void)[] = [];
    this.#undo = undo;
    try {
      return work(this);
    } catch (thrown) {
      for (const step of undo.reverse()) step();
      throw thrown;
    } finally {
      this.#undo = undefined;
    }
  }

  read<T>(work: (tx: StoreTx) => T): T {
    return work(this);
  }

  close(): void {
    this.#instances.clear();
    this.#histories.clear();
    this.#inboxes.clear();
    this.#timers.clear();
    this.#activities.clear();
  }

  instance(instanceId: string): InstanceRow | undefined {
    return this.#instances.get(instanceId);
  }

  putInstance(row: InstanceRow): void {
    this.#set(this.#instances, row.instanceId, row);
  }

  deleteInstance(instanceId: string): void {
    this.#set(this.#instances, instanceId, undefined);
    this.#set(this.#histories, instanceId, undefined);
    this.#set(this.#inboxes, instanceId, undefined);
    this.#set(this.#timers, instanceId, undefined);
    for (const activity of this.#activities.values()) {
      if (activity.instanceId === instanceId) this.deleteActivity(activity.id);
    }
  }

  listInstances(filter: InstanceFilter, afterId: string, limit: number): InstanceRow[] {
    return [...this.#instances.values()]
      .filter((row) => row.instanceId > afterId && matches(filter, row))
      .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1))
      .slice(0, limit);
  }

  endedBefore(beforeMs: number, limit: number): string[] {
    return [...this.#instances.values()]
      .filter((row) => isTerminal(row.status) && row.updatedAtMs < beforeMs)
      .sort((a, b) => a.updatedAtMs - b.updatedAtMs)
      .slice(0, limit)
      .map((row) => row.instanceId);
  }

  history(instanceId: string): readonly HistoryEvent[] {
    return this.#histories.get(instanceId) ?? [];
  }

  writeHistory(instanceId: string, from: number, events: readonly HistoryEvent[]): void {
    if (from !== 0 && from !== this.history(instanceId).length)
      throw new Error('a history is written at its end or anew');
    this.#set(this.#histories, instanceId, events);
  }

  post(message: NewMessage): void {
    const inbox = this.#inboxes.get(message.instanceId) ?? [];
    this.#set(this.#inboxes, message.instanceId, [...inbox, { ...message, id: this.#idNext++ }]);
  }

  inbox(instanceId: string, limit: number): Message[] {
    return (this.#inboxes.get(instanceId) ?? []).slice(0, limit);
  }

  deleteMessages(instanceId: string, ids: readonly number[]): void {
    const gone = new Set(ids);
    const left = (this.#inboxes.get(instanceId) ?? []).filter((message) => !gone.has(message.id));
    this.#set(this.#inboxes, instanceId, left.length === 0 ? undefined : left);
  }

  addTimer(timer: TimerRow): void {
    this.#set(this.#timers, timer.instanceId, [...(this.#timers.get(timer.instanceId) ?? []), timer]);
  }

  deleteTimer(instanceId: string, timerId: number): void {
    const left = (this.#timers.get(instanceId) ?? []).filter((timer) => timer.timerId !== timerId);
    this.#set(this.#timers, instanceId, left.length === 0 ? undefined : left);
  }

  deleteTimers(instanceId: string): void {
    this.#set(this.#timers, instanceId, undefined);
  }

  dueTimers(instanceId: string, nowMs: number): TimerRow[] {
    return (this.#timers.get(instanceId) ?? [])
      .filter((timer) => timer.dueAtMs <= nowMs)
      .sort((a, b) => a.dueAtMs - b.dueAtMs || a.timerId - b.timerId);
  }

  instancesDue(nowMs: number): string[] {
    return [...this.#timers.keys()].filter((instanceId) => this.dueTimers(instanceId, nowMs).length > 0);
  }

  nextTimerMs(afterMs: number): number | undefined {
    let next: number | undefined;
    for (const timers of this.#timers.values()) {
      for (const { dueAtMs } of timers) if (dueAtMs > afterMs && dueAtMs < (next ?? Infinity)) next = dueAtMs;
    }
    return next;
  }

  addActivity(activity: NewActivity): number {
    const id = this.#idNext++;
    this.#set(this.#activities, id, { ...activity, id });
    return id;
  }

  activity(id: number): ActivityRow | undefined {
    return this.#activities.get(id);
  }

  deleteActivity(id: number): boolean {
    const existed = this.#activities.has(id);
    this.#set(this.#activities, id, undefined);
    return existed;
  }

  openActivityIds(): number[] {
    return [...this.#activities.keys()];
  }

  instancesWithWork(): string[] {
    const turnDue = [...this.#instances.values()].filter((row) => row.isTurnDue).map((row) => row.instanceId);
    return [...new Set([...this.#inboxes.keys(), ...turnDue])];
  }

  fact(name: string): string | undefined {
    return this.#facts.get(name);
  }

  putFact(name: string, text: string): void {
    this.#set(this.#facts, name, text);
  }

  #set<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
    const before = map.get(key);
    this.#undo?.push(() => {
      if (before === undefined) map.delete(key);
      else map.set(key, before);
    });
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }
}

function matches(filter: InstanceFilter, row: InstanceRow): boolean {
  const isEntity = row.instanceId.startsWith('@');
  return (
    (filter.kind === undefined || (filter.kind === 'entity') === isEntity) &&
    (filter.createdFromMs === undefined || row.createdAtMs >= filter.createdFromMs) &&
    (filter.createdToMs === undefined || row.createdAtMs <= filter.createdToMs) &&
    (filter.statuses === undefined || filter.statuses.includes(row.status)) &&
    (filter.idPrefix === undefined || row.instanceId.startsWith(filter.idPrefix))
  );
}
