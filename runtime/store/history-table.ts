import type { HistoryEvent } from '../engine/history';
import type { Connection } from './connection';
import { Recent } from './recent';
import { readChunk } from './rows';

/** Events of histories that are kept in memory. */
const cachedEventsMax = 50_000;

/** Histories: one row for the events that a transaction added, and the ones used last in memory. */
export class HistoryTable {
  readonly #connection: Connection;
  readonly #recent = new Recent<string, HistoryEvent[]>(cachedEventsMax, (events) => events.length);

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  read(instanceId: string): HistoryEvent[] {
    const known = this.#recent.get(instanceId);
    if (known !== undefined) return known;
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
    if (events.length > 0) this.#recent.keep(instanceId, events);
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
    this.#recent.change(instanceId, before.concat(events));
  }

  deleteAll(instanceId: string): void {
    this.#connection.sql('DELETE FROM history WHERE instance_id = ?').run(instanceId);
    this.#recent.change(instanceId, undefined);
  }

  /** To be called when a transaction has ended. */
  settle(outcome: 'committed' | 'undone'): void {
    this.#recent.settle(outcome);
  }
}
