import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { HistoryEvent } from '../engine/history';
import {
  StoreUnavailable,
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
import { ActivityTable } from './activity-table';
import { Connection } from './connection';
import { damagedWayBack, databaseFile, openState, sqliteCode, sqliteCodeOf, unusable } from './database';
import { HistoryTable } from './history-table';
import { InboxTable } from './inbox-table';
import { instanceQuery } from './instance-query';
import { InstanceTable } from './instance-table';
import { readInstance, readInstanceId, readText } from './rows';
import { migrations } from './schema';
import { TimerTable } from './timer-table';

export type SqliteStoreOptions = {
  readonly onBroken?: (reason: string) => void;
  /** The database grows to so many pages (of 4 KiB) at most; then it counts as a full disk. */
  readonly pagesMax?: number;
};

export type StoreFiles = {
  readonly schemaVersion: number;
  readonly databaseBytes: number;
  readonly logBytes: number;
  readonly takesWrites: boolean;
};

/** The state in SQLite: write-ahead log, full sync, so what a transaction wrote survives a power cut. */
export class SqliteStore implements Store, StoreTx {
  readonly #connection: Connection;
  readonly #instances: InstanceTable;
  readonly #histories: HistoryTable;
  readonly #inbox: InboxTable;
  readonly #timers: TimerTable;
  readonly #activities: ActivityTable;
  readonly #close: () => void;
  readonly #onBroken: (reason: string) => void;
  readonly #path: string;
  #isRefused = false;

  /** Throws `StateUnusable` when the folder cannot be used. `onBroken` is told when the file turns out damaged later. */
  constructor(folder: string, options: SqliteStoreOptions = {}) {
    const { database, close } = openState(folder);
    if (options.pagesMax !== undefined) database.exec(`PRAGMA max_page_count = ${Math.trunc(options.pagesMax)}`);
    this.#close = close;
    this.#connection = new Connection(database);
    this.#instances = new InstanceTable(this.#connection);
    this.#histories = new HistoryTable(this.#connection);
    this.#timers = new TimerTable(this.#connection);
    try {
      this.#inbox = new InboxTable(this.#connection);
      this.#activities = new ActivityTable(this.#connection);
    } catch (thrown) {
      close();
      throw unusable(folder, thrown);
    }
    this.#path = join(folder, databaseFile);
    this.#onBroken = options.onBroken ?? ((): void => undefined);
  }

  /** Throws `StoreUnavailable`, with nothing written, when the disk is full or fails. */
  transaction<T>(work: (tx: StoreTx) => T): T {
    try {
      this.#connection.begin();
      const result = work(this);
      this.#connection.commit();
      this.#settle('committed');
      this.#isRefused = false;
      return result;
    } catch (thrown) {
      this.#settle('undone');
      this.#connection.rollBack();
      this.#checkBroken(thrown);
      const code = sqliteCodeOf(thrown);
      if (code === sqliteCode.full || code === sqliteCode.ioError) {
        this.#isRefused = true;
        throw new StoreUnavailable('The disk of the state folder is full or fails.', { cause: thrown });
      }
      throw thrown;
    }
  }

  #settle(outcome: 'committed' | 'undone'): void {
    for (const table of [this.#instances, this.#histories, this.#inbox, this.#timers, this.#activities]) {
      table.settle(outcome);
    }
  }

  read<T>(work: (tx: StoreTx) => T): T {
    try {
      return work(this);
    } catch (thrown) {
      this.#checkBroken(thrown);
      throw thrown;
    }
  }

  #checkBroken(thrown: unknown): void {
    if (sqliteCodeOf(thrown) === sqliteCode.corrupt) this.#onBroken(`The state is damaged. ${damagedWayBack}`);
  }

  /** Whether the disk takes writes: true after one that went well; after one that did not, another is tried. */
  takesWrites(): boolean {
    if (!this.#isRefused) return true;
    try {
      this.transaction((tx) => tx.putFact('lastRefusedAt', new Date().toISOString()));
    } catch (thrown) {
      if (!(thrown instanceof StoreUnavailable)) throw thrown;
    }
    return !this.#isRefused;
  }

  /** How large the state's files are, for the status page. */
  files(): StoreFiles {
    const bytesOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return {
      schemaVersion: migrations.length,
      databaseBytes: bytesOf(this.#path),
      logBytes: bytesOf(`${this.#path}-wal`),
      takesWrites: this.takesWrites(),
    };
  }

  close(): void {
    this.#close();
  }

  instance(instanceId: string): InstanceRow | undefined {
    return this.#instances.read(instanceId);
  }

  putInstance(row: InstanceRow): void {
    this.#instances.put(row);
  }

  deleteInstance(instanceId: string): void {
    for (const table of [this.#instances, this.#histories, this.#inbox, this.#timers, this.#activities]) {
      table.deleteAll(instanceId);
    }
  }

  listInstances(filter: InstanceFilter, afterId: string, limit: number): InstanceRow[] {
    const { sql, values } = instanceQuery(filter, afterId, limit);
    return this.#connection
      .sql(sql)
      .all(...values)
      .map(readInstance);
  }

  endedBefore(beforeMs: number, limit: number): string[] {
    return this.#connection
      .sql(
        `SELECT instance_id FROM instances WHERE status IN ('Completed', 'Failed', 'Terminated', 'Canceled')
         AND updated_at_ms < ? ORDER BY updated_at_ms LIMIT ?`,
      )
      .all(beforeMs, limit)
      .map(readInstanceId);
  }

  history(instanceId: string): readonly HistoryEvent[] {
    return this.#histories.read(instanceId);
  }

  writeHistory(instanceId: string, from: number, events: readonly HistoryEvent[]): void {
    this.#histories.write(instanceId, from, events);
  }

  post(message: NewMessage): void {
    this.#inbox.post(message);
  }

  inbox(instanceId: string, limit: number): Message[] {
    return this.#inbox.read(instanceId, limit);
  }

  deleteMessages(instanceId: string, ids: readonly number[]): void {
    this.#inbox.delete(instanceId, ids);
  }

  addTimer(timer: TimerRow): void {
    this.#timers.add(timer);
  }

  deleteTimer(instanceId: string, timerId: number): void {
    this.#timers.delete(instanceId, timerId);
  }

  deleteTimers(instanceId: string): void {
    this.#timers.deleteAll(instanceId);
  }

  dueTimers(instanceId: string, nowMs: number): TimerRow[] {
    return this.#timers.due(instanceId, nowMs);
  }

  instancesDue(nowMs: number): string[] {
    return this.#timers.instancesDue(nowMs);
  }

  nextTimerMs(afterMs: number): number | undefined {
    return this.#timers.nextMs(afterMs);
  }

  addActivity(activity: NewActivity): number {
    return this.#activities.add(activity);
  }

  activity(id: number): ActivityRow | undefined {
    return this.#activities.read(id);
  }

  deleteActivity(id: number): boolean {
    return this.#activities.delete(id);
  }

  openActivityIds(): number[] {
    return this.#activities.openIds();
  }

  instancesWithWork(): string[] {
    const due = this.#connection.sql('SELECT instance_id FROM instances WHERE is_turn_due = 1').all();
    return [...new Set([...this.#inbox.instanceIds(), ...due.map(readInstanceId)])];
  }

  fact(name: string): string | undefined {
    const row = this.#connection.sql('SELECT text FROM facts WHERE name = ?').get(name);
    return row === undefined ? undefined : readText(row);
  }

  putFact(name: string, text: string): void {
    this.#connection.sql('INSERT OR REPLACE INTO facts (name, text) VALUES (?, ?)').run(name, text);
  }
}
