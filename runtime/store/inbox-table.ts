import type { Message, NewMessage } from '../engine/store';
import type { Connection } from './connection';
import { readMessage, readTally } from './rows';
import { UndoSteps } from './undo-steps';

/** Messages that no turn has taken yet. Memory holds how many each instance has: mostly none, and then none are looked for. */
export class InboxTable {
  readonly #connection: Connection;
  readonly #counts: Map<string, number>;
  readonly #undo = new UndoSteps();

  constructor(connection: Connection) {
    this.#connection = connection;
    const tallies = connection.sql('SELECT instance_id, count(*) AS count FROM inbox GROUP BY instance_id').all();
    this.#counts = new Map(tallies.map(readTally));
  }

  post(message: NewMessage): void {
    const { text, largeId } = this.#connection.place(JSON.stringify(message.event));
    this.#connection
      .sql('INSERT INTO inbox (instance_id, execution_id, event, large_id) VALUES (?, ?, ?, ?)')
      .run(message.instanceId, message.executionId, text, largeId);
    this.#setCount(message.instanceId, this.#countOf(message.instanceId) + 1);
  }

  /** The oldest messages of an instance, in the order of their arrival. */
  read(instanceId: string, limit: number): Message[] {
    if (this.#countOf(instanceId) === 0) return [];
    // Part of the text: SQLite plans a statement anew each time when its limit is bound, which takes longer than to run it.
    return this.#connection
      .sql(
        `SELECT m.id, m.instance_id, m.execution_id, m.event AS text, l.text AS large FROM inbox m
         LEFT JOIN large l ON l.id = m.large_id WHERE m.instance_id = ? ORDER BY m.id LIMIT ${Math.trunc(limit)}`,
      )
      .all(instanceId)
      .map(readMessage);
  }

  delete(instanceId: string, ids: readonly number[]): void {
    let deleted = 0;
    for (const id of ids) deleted += Number(this.#connection.sql('DELETE FROM inbox WHERE id = ?').run(id).changes);
    if (deleted > 0) this.#setCount(instanceId, this.#countOf(instanceId) - deleted);
  }

  deleteAll(instanceId: string): void {
    if (this.#countOf(instanceId) === 0) return;
    this.#connection.sql('DELETE FROM inbox WHERE instance_id = ?').run(instanceId);
    this.#setCount(instanceId, 0);
  }

  /** Instances that have messages. */
  instanceIds(): string[] {
    return [...this.#counts.keys()];
  }

  /** To be called when a transaction has ended. */
  settle(outcome: 'committed' | 'undone'): void {
    this.#undo.settle(outcome);
  }

  #countOf(instanceId: string): number {
    return this.#counts.get(instanceId) ?? 0;
  }

  #setCount(instanceId: string, count: number): void {
    const before = this.#countOf(instanceId);
    this.#undo.add(() => this.#store(instanceId, before));
    this.#store(instanceId, count);
  }

  #store(instanceId: string, count: number): void {
    if (count === 0) this.#counts.delete(instanceId);
    else this.#counts.set(instanceId, count);
  }
}
