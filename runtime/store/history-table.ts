import type { HistoryEvent } from '../engine/history';
import type { Connection } from './connection';
import { Recent } from './recent';
import { readChunk } from './rows';

/** Events of histories that are kept in memory. */
const cachedEventsMax = 50_000;

/** Histories: one row for the events that a transaction added, and the ones used last in memory. */
export class HistoryTable {
  readonly #connection: Connection;
  readonly #recent = new Recent<string, readonly HistoryEvent[]>(cachedEventsMax, (events) => events.length);

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  read(instanceId: string): readonly HistoryEvent[] {
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

  /** Makes `events` the history, of which the first `from` are there: all that were, or none. */
  write(instanceId: string, from: number, events: readonly HistoryEvent[]): void {
    if (from !== 0 && from !== this.read(instanceId).length) throw new Error('a history is written at its end or anew');
    if (from === 0) this.#connection.sql('DELETE FROM history WHERE instance_id = ?').run(instanceId);
    const added = from === 0 ? events : events.slice(from);
    if (added.length > 0) {
      const { text, largeId } = this.#connection.place(JSON.stringify(added));
      this.#connection
        .sql('INSERT INTO history (instance_id, first, count, events, large_id) VALUES (?, ?, ?, ?, ?)')
        .run(instanceId, from, added.length, text, largeId);
    }
    this.#recent.change(instanceId, events);
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
