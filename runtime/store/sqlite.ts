import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
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
import { damagedWayBack, openState, sqliteCode, sqliteCodeOf } from './database';
import { HistoryCache } from './history-cache';
import {
  readActivity,
  readChunk,
  readId,
  readInstance,
  readInstanceId,
  readMessage,
  readText,
  readTime,
  readTimer,
} from './rows';

/** Texts above this many characters go to the table of large texts (the limit of the Azure Storage provider's rows). */
export const largeTextLength = 45 * 1024;

/** Events of histories that are kept in memory. */
const cachedEventsMax = 50_000;

const selectInstances = `SELECT i.*, pin.text AS input, pout.text AS output FROM instances i
  LEFT JOIN payloads pin ON pin.instance_id = i.instance_id AND pin.kind = 'input'
  LEFT JOIN payloads pout ON pout.instance_id = i.instance_id AND pout.kind = 'output'`;

export type SqliteStoreOptions = {
  readonly onBroken?: (reason: string) => void;
  /** The database grows to so many pages (of 4 KiB) at most; then it counts as a full disk. */
  readonly pagesMax?: number;
};

/** The state in SQLite: write-ahead log, full sync, so what a transaction wrote survives a power cut. */
export class SqliteStore implements Store, StoreTx {
  readonly #database: DatabaseSync;
  readonly #close: () => void;
  readonly #onBroken: (reason: string) => void;
  readonly #statements = new Map<string, StatementSync>();
  readonly #cache = new HistoryCache(cachedEventsMax);
  /** Instances whose cached history the transaction under way has changed. */
  readonly #touched = new Set<string>();

  /** Throws `StateUnusable` when the folder cannot be used. `onBroken` is told when the file turns out damaged later. */
  constructor(folder: string, options: SqliteStoreOptions = {}) {
    const { database, close } = openState(folder);
    this.#database = database;
    this.#close = close;
    this.#onBroken = options.onBroken ?? ((): void => undefined);
    if (options.pagesMax !== undefined) database.exec(`PRAGMA max_page_count = ${Math.trunc(options.pagesMax)}`);
  }

  /** Throws `StoreUnavailable`, with nothing written, when the disk is full or fails. */
  transaction<T>(work: (tx: StoreTx) => T): T {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const result = work(this);
      this.#database.exec('COMMIT');
      this.#touched.clear();
      return result;
    } catch (thrown) {
      this.#rollBack();
      this.#checkBroken(thrown);
      const code = sqliteCodeOf(thrown);
      if (code === sqliteCode.full || code === sqliteCode.ioError) {
        throw new StoreUnavailable('The disk of the state folder is full or fails.', { cause: thrown });
      }
      throw thrown;
    }
  }

  #rollBack(): void {
    for (const instanceId of this.#touched) this.#cache.delete(instanceId);
    this.#touched.clear();
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
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

  close(): void {
    this.#statements.clear();
    this.#close();
  }

  instance(instanceId: string): InstanceRow | undefined {
    const row = this.#sql(`${selectInstances} WHERE i.instance_id = ?`).get(instanceId);
    return row === undefined ? undefined : readInstance(row);
  }

  putInstance(row: InstanceRow): void {
    const before = this.#sql('SELECT execution_id AS text FROM instances WHERE instance_id = ?').get(row.instanceId);
    // Within an execution the input stays, so the small row alone is written.
    if (before === undefined || readText(before) !== row.executionId) {
      this.#putPayload(row.instanceId, 'input', row.input);
    }
    this.#putPayload(row.instanceId, 'output', row.output);
    this.#sql(
      `INSERT OR REPLACE INTO instances (instance_id, execution_id, name, version, status, custom_status, created_at_ms,
         updated_at_ms, parent, source_instance_id, event_count, played_count, is_turn_due)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
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
      this.#sql(`DELETE FROM ${table} WHERE instance_id = ?`).run(instanceId);
    }
    this.#forget(instanceId);
  }

  listInstances(filter: InstanceFilter, afterId: string, limit: number): InstanceRow[] {
    const conditions = ['i.instance_id > ?'];
    const values: SQLInputValue[] = [afterId];
    const where = (condition: string, ...bound: SQLInputValue[]): void => {
      conditions.push(condition);
      values.push(...bound);
    };
    if (filter.kind !== undefined) where(`substr(i.instance_id, 1, 1) ${filter.kind === 'entity' ? '=' : '<>'} '@'`);
    if (filter.createdFromMs !== undefined) where('i.created_at_ms >= ?', filter.createdFromMs);
    if (filter.createdToMs !== undefined) where('i.created_at_ms <= ?', filter.createdToMs);
    if (filter.statuses !== undefined) {
      where(`i.status IN (${filter.statuses.map(() => '?').join(', ')})`, ...filter.statuses);
    }
    if (filter.idPrefix !== undefined) {
      where('substr(i.instance_id, 1, length(?)) = ?', filter.idPrefix, filter.idPrefix);
    }
    const sql = `${selectInstances} WHERE ${conditions.join(' AND ')} ORDER BY i.instance_id LIMIT ?`;
    return this.#sql(sql)
      .all(...values, Math.min(limit, Number.MAX_SAFE_INTEGER))
      .map(readInstance);
  }

  history(instanceId: string): HistoryEvent[] {
    const cached = this.#cache.get(instanceId);
    if (cached !== undefined) return cached;
    const chunks = this.#sql(
      `SELECT h.first, h.count, h.events AS text, l.text AS large FROM history h
       LEFT JOIN large l ON l.id = h.large_id WHERE h.instance_id = ? ORDER BY h.first`,
    )
      .all(instanceId)
      .map(readChunk);
    const events: HistoryEvent[] = [];
    for (const chunk of chunks) {
      if (chunk.first !== events.length)
        throw new Error(`the history of '${instanceId}' has a gap at ${events.length}`);
      events.push(...chunk.events);
    }
    if (events.length > 0) this.#cache.set(instanceId, events);
    return events;
  }

  writeHistory(instanceId: string, from: number, events: readonly HistoryEvent[]): void {
    const kept = this.history(instanceId).slice(0, from);
    if (from === 0) this.#sql('DELETE FROM history WHERE instance_id = ?').run(instanceId);
    else if (kept.length < this.history(instanceId).length)
      throw new Error('a history is rewritten as a whole or not at all');
    this.#forget(instanceId);
    const after = [...kept, ...events];
    if (events.length > 0) this.#insertChunk(instanceId, from, events);
    this.#cache.set(instanceId, after);
  }

  #insertChunk(instanceId: string, first: number, events: readonly HistoryEvent[]): void {
    const { text, largeId } = this.#placed(JSON.stringify(events));
    this.#sql('INSERT INTO history (instance_id, first, count, events, large_id) VALUES (?, ?, ?, ?, ?)').run(
      instanceId,
      first,
      events.length,
      text,
      largeId,
    );
  }

  post(message: NewMessage): void {
    const { text, largeId } = this.#placed(JSON.stringify(message.event));
    this.#sql('INSERT INTO inbox (instance_id, execution_id, event, large_id) VALUES (?, ?, ?, ?)').run(
      message.instanceId,
      message.executionId,
      text,
      largeId,
    );
  }

  inbox(instanceId: string, limit: number): Message[] {
    return this.#sql(
      `SELECT m.id, m.instance_id, m.execution_id, m.event AS text, l.text AS large FROM inbox m
       LEFT JOIN large l ON l.id = m.large_id WHERE m.instance_id = ? ORDER BY m.id LIMIT ?`,
    )
      .all(instanceId, limit)
      .map(readMessage);
  }

  deleteMessages(_instanceId: string, ids: readonly number[]): void {
    for (const id of ids) this.#sql('DELETE FROM inbox WHERE id = ?').run(id);
  }

  addTimer(timer: TimerRow): void {
    this.#sql('INSERT OR REPLACE INTO timers (instance_id, timer_id, execution_id, due_at_ms) VALUES (?, ?, ?, ?)').run(
      timer.instanceId,
      timer.timerId,
      timer.executionId,
      timer.dueAtMs,
    );
  }

  deleteTimer(instanceId: string, timerId: number): void {
    this.#sql('DELETE FROM timers WHERE instance_id = ? AND timer_id = ?').run(instanceId, timerId);
  }

  deleteTimers(instanceId: string): void {
    this.#sql('DELETE FROM timers WHERE instance_id = ?').run(instanceId);
  }

  dueTimers(instanceId: string, nowMs: number): TimerRow[] {
    return this.#sql('SELECT * FROM timers WHERE instance_id = ? AND due_at_ms <= ? ORDER BY due_at_ms, timer_id')
      .all(instanceId, nowMs)
      .map(readTimer);
  }

  instancesDue(nowMs: number): string[] {
    return this.#sql('SELECT DISTINCT instance_id FROM timers WHERE due_at_ms <= ?').all(nowMs).map(readInstanceId);
  }

  nextTimerMs(afterMs: number): number | undefined {
    return readTime(this.#sql('SELECT min(due_at_ms) AS at_ms FROM timers WHERE due_at_ms > ?').get(afterMs));
  }

  addActivity(activity: NewActivity): number {
    const { text, largeId } = activity.input === null ? nothing : this.#placed(activity.input);
    const inserted = this.#sql(
      'INSERT INTO activities (instance_id, execution_id, task_id, name, input, large_id) VALUES (?, ?, ?, ?, ?, ?)',
    ).run(activity.instanceId, activity.executionId, activity.taskId, activity.name, text, largeId);
    return Number(inserted.lastInsertRowid);
  }

  activity(id: number): ActivityRow | undefined {
    const row = this.#sql(
      `SELECT a.id, a.instance_id, a.execution_id, a.task_id, a.name, a.input AS text, l.text AS large FROM activities a
       LEFT JOIN large l ON l.id = a.large_id WHERE a.id = ?`,
    ).get(id);
    return row === undefined ? undefined : readActivity(row);
  }

  deleteActivity(id: number): boolean {
    return this.#sql('DELETE FROM activities WHERE id = ?').run(id).changes > 0;
  }

  openActivityIds(): number[] {
    return this.#sql('SELECT id FROM activities ORDER BY id').all().map(readId);
  }

  instancesWithWork(): string[] {
    return this.#sql('SELECT instance_id FROM inbox UNION SELECT instance_id FROM instances WHERE is_turn_due = 1')
      .all()
      .map(readInstanceId);
  }

  fact(name: string): string | undefined {
    const row = this.#sql('SELECT text FROM facts WHERE name = ?').get(name);
    return row === undefined ? undefined : readText(row);
  }

  putFact(name: string, text: string): void {
    this.#sql('INSERT OR REPLACE INTO facts (name, text) VALUES (?, ?)').run(name, text);
  }

  #putPayload(instanceId: string, kind: 'input' | 'output', text: string | null): void {
    if (text === null) this.#sql('DELETE FROM payloads WHERE instance_id = ? AND kind = ?').run(instanceId, kind);
    else
      this.#sql('INSERT OR REPLACE INTO payloads (instance_id, kind, text) VALUES (?, ?, ?)').run(
        instanceId,
        kind,
        text,
      );
  }

  /** Where a text goes: into its row, or into the table of large texts. */
  #placed(text: string): { readonly text: string | null; readonly largeId: number | null } {
    if (text.length <= largeTextLength) return { text, largeId: null };
    const inserted = this.#sql('INSERT INTO large (text) VALUES (?)').run(text);
    return { text: null, largeId: Number(inserted.lastInsertRowid) };
  }

  /** The cached history is no longer sure: it is dropped now, and once more if the transaction is undone. */
  #forget(instanceId: string): void {
    this.#cache.delete(instanceId);
    this.#touched.add(instanceId);
  }

  #sql(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}

const nothing = { text: null, largeId: null } as const;
