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
import { Connection } from './connection';
import { damagedWayBack, databaseFile, openState, sqliteCode, sqliteCodeOf } from './database';
import { HistoryTable } from './history-table';
import { instanceQuery, selectInstances } from './instance-query';
import { readActivity, readId, readInstance, readInstanceId, readMessage, readText, readTime, readTimer } from './rows';
import { migrations } from './schema';

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
  readonly #histories: HistoryTable;
  readonly #close: () => void;
  readonly #onBroken: (reason: string) => void;
  readonly #path: string;
  #isRefused = false;

  /** Throws `StateUnusable` when the folder cannot be used. `onBroken` is told when the file turns out damaged later. */
  constructor(folder: string, options: SqliteStoreOptions = {}) {
    const { database, close } = openState(folder);
    if (options.pagesMax !== undefined) database.exec(`PRAGMA max_page_count = ${Math.trunc(options.pagesMax)}`);
    this.#connection = new Connection(database);
    this.#histories = new HistoryTable(this.#connection);
    this.#close = close;
    this.#path = join(folder, databaseFile);
    this.#onBroken = options.onBroken ?? ((): void => undefined);
  }

  /** Throws `StoreUnavailable`, with nothing written, when the disk is full or fails. */
  transaction<T>(work: (tx: StoreTx) => T): T {
    try {
      this.#connection.begin();
      const result = work(this);
      this.#connection.commit();
      this.#histories.settle('committed');
      this.#isRefused = false;
      return result;
    } catch (thrown) {
      this.#histories.settle('undone');
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
    const row = this.#connection.sql(`${selectInstances} WHERE i.instance_id = ?`).get(instanceId);
    return row === undefined ? undefined : readInstance(row);
  }

  putInstance(row: InstanceRow): void {
    const before = this.#connection
      .sql('SELECT execution_id AS text FROM instances WHERE instance_id = ?')
      .get(row.instanceId);
    // Within an execution the input stays, so the small row alone is written.
    if (before === undefined || readText(before) !== row.executionId) {
      this.#putPayload(row.instanceId, 'input', row.input);
    }
    this.#putPayload(row.instanceId, 'output', row.output);
    this.#connection
      .sql(
        `INSERT OR REPLACE INTO instances (instance_id, execution_id, name, version, status, custom_status, created_at_ms,
         updated_at_ms, parent, source_instance_id, event_count, played_count, is_turn_due)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        row.instanceId,
        row.executionId,
        row.name,
        row.version,
        row.status,
        row.customStatus,
        row.createdAtMs,
        row.updatedAtMs,
        row.parent === null ? null : JSON.stringify(row.parent),
        row.sourceInstanceId,
        row.eventCount,
        row.playedCount,
        row.isTurnDue ? 1 : 0,
      );
  }
  deleteInstance(instanceId: string): void {
    for (const table of ['instances', 'payloads', 'history', 'inbox', 'timers', 'activities']) {
      this.#connection.sql(`DELETE FROM ${table} WHERE instance_id = ?`).run(instanceId);
    }
    this.#histories.forget(instanceId);
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

  history(instanceId: string): HistoryEvent[] {
    return this.#histories.read(instanceId);
  }

  writeHistory(instanceId: string, from: number, events: readonly HistoryEvent[]): void {
    this.#histories.write(instanceId, from, events);
  }

  post(message: NewMessage): void {
    const { text, largeId } = this.#connection.place(JSON.stringify(message.event));
    this.#connection
      .sql('INSERT INTO inbox (instance_id, execution_id, event, large_id) VALUES (?, ?, ?, ?)')
      .run(message.instanceId, message.executionId, text, largeId);
  }

  inbox(instanceId: string, limit: number): Message[] {
    // Part of the text: SQLite plans a statement anew each time when its limit is bound, which takes longer than to run it.
    return this.#connection
      .sql(
        `SELECT m.id, m.instance_id, m.execution_id, m.event AS text, l.text AS large FROM inbox m
       LEFT JOIN large l ON l.id = m.large_id WHERE m.instance_id = ? ORDER BY m.id LIMIT ${Math.trunc(limit)}`,
      )
      .all(instanceId)
      .map(readMessage);
  }

  deleteMessages(_instanceId: string, ids: readonly number[]): void {
    for (const id of ids) this.#connection.sql('DELETE FROM inbox WHERE id = ?').run(id);
  }

  addTimer(timer: TimerRow): void {
    this.#connection
      .sql('INSERT OR REPLACE INTO timers (instance_id, timer_id, execution_id, due_at_ms) VALUES (?, ?, ?, ?)')
      .run(timer.instanceId, timer.timerId, timer.executionId, timer.dueAtMs);
  }

  deleteTimer(instanceId: string, timerId: number): void {
    this.#connection.sql('DELETE FROM timers WHERE instance_id = ? AND timer_id = ?').run(instanceId, timerId);
  }

  deleteTimers(instanceId: string): void {
    this.#connection.sql('DELETE FROM timers WHERE instance_id = ?').run(instanceId);
  }

  dueTimers(instanceId: string, nowMs: number): TimerRow[] {
    return this.#connection
      .sql('SELECT * FROM timers WHERE instance_id = ? AND due_at_ms <= ? ORDER BY due_at_ms, timer_id')
      .all(instanceId, nowMs)
      .map(readTimer);
  }

  instancesDue(nowMs: number): string[] {
    return this.#connection
      .sql('SELECT DISTINCT instance_id FROM timers WHERE due_at_ms <= ?')
      .all(nowMs)
      .map(readInstanceId);
  }

  nextTimerMs(afterMs: number): number | undefined {
    return readTime(
      this.#connection.sql('SELECT min(due_at_ms) AS at_ms FROM timers WHERE due_at_ms > ?').get(afterMs),
    );
  }

  addActivity(activity: NewActivity): number {
    const { text, largeId } = this.#connection.place(activity.input);
    const inserted = this.#connection
      .sql(
        'INSERT INTO activities (instance_id, execution_id, task_id, name, input, large_id) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(activity.instanceId, activity.executionId, activity.taskId, activity.name, text, largeId);
    return Number(inserted.lastInsertRowid);
  }

  activity(id: number): ActivityRow | undefined {
    const row = this.#connection
      .sql(
        `SELECT a.id, a.instance_id, a.execution_id, a.task_id, a.name, a.input AS text, l.text AS large FROM activities a
       LEFT JOIN large l ON l.id = a.large_id WHERE a.id = ?`,
      )
      .get(id);
    return row === undefined ? undefined : readActivity(row);
  }

  deleteActivity(id: number): boolean {
    return this.#connection.sql('DELETE FROM activities WHERE id = ?').run(id).changes > 0;
  }

  openActivityIds(): number[] {
    return this.#connection.sql('SELECT id FROM activities ORDER BY id').all().map(readId);
  }

  instancesWithWork(): string[] {
    return this.#connection
      .sql('SELECT instance_id FROM inbox UNION SELECT instance_id FROM instances WHERE is_turn_due = 1')
      .all()
      .map(readInstanceId);
  }

  fact(name: string): string | undefined {
    const row = this.#connection.sql('SELECT text FROM facts WHERE name = ?').get(name);
    return row === undefined ? undefined : readText(row);
  }

  putFact(name: string, text: string): void {
    this.#connection.sql('INSERT OR REPLACE INTO facts (name, text) VALUES (?, ?)').run(name, text);
  }

  #putPayload(instanceId: string, kind: 'input' | 'output', text: string | null): void {
    if (text === null)
      this.#connection.sql('DELETE FROM payloads WHERE instance_id = ? AND kind = ?').run(instanceId, kind);
    else
      this.#connection
        .sql('INSERT OR REPLACE INTO payloads (instance_id, kind, text) VALUES (?, ?, ?)')
        .run(instanceId, kind, text);
  }
}
