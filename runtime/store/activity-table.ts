import type { ActivityRow, NewActivity } from '../engine/store';
import type { Connection } from './connection';
import { Recent } from './recent';
import { readActivity, readActivityKey } from './rows';
import { UndoSteps } from './undo-steps';

/** Characters of activities that are kept in memory, and what one counts besides its input. */
const keptCharactersMax = 4 * 1024 * 1024;
const rowCharacters = 256;

/**
 * Activities that are open. They stand with those of the same instance, so that one that ends and the one that follows it change the
 * same page; memory holds which instance has which. Ids count on for as long as the process lives: nothing knows one of an earlier process.
 */
export class ActivityTable {
  readonly #connection: Connection;
  readonly #instanceOf: Map<number, string>;
  readonly #recent = new Recent<number, ActivityRow>(
    keptCharactersMax,
    ({ input }) => rowCharacters + (input?.length ?? 0),
  );
  readonly #undo = new UndoSteps();
  #idNext: number;

  constructor(connection: Connection) {
    this.#connection = connection;
    const rows = connection.sql('SELECT id, instance_id FROM activities ORDER BY id').all().map(readActivityKey);
    this.#instanceOf = new Map(rows.map(({ id, instanceId }) => [id, instanceId]));
    this.#idNext = (rows.at(-1)?.id ?? 0) + 1;
  }

  add(activity: NewActivity): number {
    const { instanceId, executionId, taskId, name, input } = activity;
    const id = this.#idNext++;
    const { text, largeId } = this.#connection.place(input);
    this.#connection
      .sql(
        'INSERT INTO activities (instance_id, id, execution_id, task_id, name, input, large_id) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(instanceId, id, executionId, taskId, name, text, largeId);
    this.#instanceOf.set(id, instanceId);
    this.#undo.add(() => this.#instanceOf.delete(id));
    this.#recent.change(id, { ...activity, id });
    return id;
  }

  read(id: number): ActivityRow | undefined {
    const instanceId = this.#instanceOf.get(id);
    if (instanceId === undefined) return undefined;
    const known = this.#recent.get(id);
    if (known !== undefined) return known;
    const row = readActivity(
      this.#connection
        .sql(
          `SELECT a.id, a.instance_id, a.execution_id, a.task_id, a.name, a.input AS text, l.text AS large FROM activities a
           LEFT JOIN large l ON l.id = a.large_id WHERE a.instance_id = ? AND a.id = ?`,
        )
        .get(instanceId, id),
    );
    this.#recent.keep(id, row);
    return row;
  }

  /** False when it is not open. */
  delete(id: number): boolean {
    const instanceId = this.#instanceOf.get(id);
    if (instanceId === undefined) return false;
    this.#connection.sql('DELETE FROM activities WHERE instance_id = ? AND id = ?').run(instanceId, id);
    this.#forget(id, instanceId);
    return true;
  }

  deleteAll(instanceId: string): void {
    const ids = this.#connection.sql('SELECT id, instance_id FROM activities WHERE instance_id = ?').all(instanceId);
    for (const { id } of ids.map(readActivityKey)) this.delete(id);
  }

  openIds(): number[] {
    return [...this.#instanceOf.keys()].sort((a, b) => a - b);
  }

  /** To be called when a transaction has ended. */
  settle(outcome: 'committed' | 'undone'): void {
    this.#undo.settle(outcome);
    this.#recent.settle(outcome);
  }

  #forget(id: number, instanceId: string): void {
    this.#instanceOf.delete(id);
    this.#undo.add(() => this.#instanceOf.set(id, instanceId));
    this.#recent.change(id, undefined);
  }
}
