import type { TimerRow } from '../engine/store';
import type { Connection } from './connection';
import { readInstanceId, readTime, readTimer } from './rows';

/** Timers that have not fired. Memory holds a time before which none is due: mostly later than now, and then none is looked for. */
export class TimerTable {
  readonly #connection: Connection;
  #noneBeforeMs = -Infinity;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  add(timer: TimerRow): void {
    this.#connection
      .sql('INSERT OR REPLACE INTO timers (instance_id, timer_id, execution_id, due_at_ms) VALUES (?, ?, ?, ?)')
      .run(timer.instanceId, timer.timerId, timer.executionId, timer.dueAtMs);
    this.#noneBeforeMs = Math.min(this.#noneBeforeMs, timer.dueAtMs);
  }

  delete(instanceId: string, timerId: number): void {
    this.#connection.sql('DELETE FROM timers WHERE instance_id = ? AND timer_id = ?').run(instanceId, timerId);
  }

  deleteAll(instanceId: string): void {
    this.#connection.sql('DELETE FROM timers WHERE instance_id = ?').run(instanceId);
  }

  /** Timers of an instance that are due, earliest first. */
  due(instanceId: string, nowMs: number): TimerRow[] {
    if (nowMs < this.#noneBeforeMs) return [];
    this.#noneBeforeMs = this.nextMs(-1) ?? Infinity;
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

  nextMs(afterMs: number): number | undefined {
    return readTime(
      this.#connection.sql('SELECT min(due_at_ms) AS at_ms FROM timers WHERE due_at_ms > ?').get(afterMs),
    );
  }

  /** To be called when a transaction has ended. */
  settle(outcome: 'committed' | 'undone'): void {
    // One that was deleted may be there again.
    if (outcome === 'undone') this.#noneBeforeMs = -Infinity;
  }
}
