import type { HistoryEvent } from '../engine/history';
import type { Connection } from './connection';
import { HistoryCache } from './history-cache';
import { readChunk } from './rows';

/** Events of histories that are kept in memory. */
const cachedEventsMax = 50_000;

/** Histories: one row for the events that a transaction added, and the ones used last in memory. */
export class HistoryTable {
  readonly #connection: Connection;
  readonly #cache = new HistoryCache(cachedEventsMax);
  /** Instances whose cached history the transaction under way has changed. */
  readonly #touched = new Set<string>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  read(instanceId: string): HistoryEvent[] {
    const cached = this.#cache.get(instanceId);
    if (cached !== undefined) return cached;
    const rows = this.#connection
      .sql(
        `SELECT h.first, h.count, h.events AS text, l.text AS large FROM history h
         LEFT JOIN large l ON l.id = h.large_id WHERE h.instance_id = ? ORDER BY h.first`,
      )
      .all(instanceId);
    const events: HistoryEvent[] = [];
    for (const chunk of rows.map(readChunk)) {
      if (chunk.first !== events.length)
        throw new Error(`the history of '${instanceId}' has a gap at ${events.length}`);
      events.push(...chunk.events);
    }
    if (events.length > 0) this.#cache.set(instanceId, events);
    return events;
  }

  /** Writes `events` from position `from` on: at the end, or 0 for a history that is written anew. */
  write(instanceId: string, from: number, events: readonly HistoryEvent[]): void {
    const before = from === 0 ? [] : this.read(instanceId);
    if (before.length !== from) throw new Error('a history is written at its end or anew');
    if (from === 0) this.#connection.sql('DELETE FROM history WHERE instance_id = ?').run(instanceId);
    if (events.length > 0) {
      const { text, largeId } = this.#connection.place(JSON.stringify(events));
      this.#connection
        .sql('INSERT INTO history (instance_id, first, count, events, large_id) VALUES (?, ?, ?, ?, ?)')
        .run(instanceId, from, events.length, text, largeId);
    }
    this.forget(instanceId);
    this.#cache.set(instanceId, [...before, ...events]);
  }

  /** The cached history is no longer sure: it is dropped now, and once more if the transaction is undone. */
  forget(instanceId: string): void {
    this.#cache.delete(instanceId);
    this.#touched.add(instanceId);
  }

  /** To be called when a transaction has ended. */
  settle(outcome: 'committed' | 'undone'): void {
    if (outcome === 'undone') for (const instanceId of this.#touched) this.#cache.delete(instanceId);
    this.#touched.clear();
  }
}
