import type { InstanceRow } from '../engine/store';
import type { Connection } from './connection';
import { selectInstances } from './instance-query';
import { Recent } from './recent';
import { readInstance } from './rows';

/** Characters of instances that are kept in memory, and what a row counts besides its texts. */
const keptCharactersMax = 4 * 1024 * 1024;
const rowCharacters = 512;

const charactersOf = ({ input, output, customStatus }: InstanceRow): number =>
  rowCharacters + (input?.length ?? 0) + (output?.length ?? 0) + (customStatus?.length ?? 0);

/** Instances, with their inputs and outputs in a table of their own, and the ones used last in memory. */
export class InstanceTable {
  readonly #connection: Connection;
  readonly #recent = new Recent<string, InstanceRow>(keptCharactersMax, charactersOf);

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  read(instanceId: string): InstanceRow | undefined {
    const known = this.#recent.get(instanceId);
    if (known !== undefined) return known;
    const raw = this.#connection.sql(`${selectInstances} WHERE i.instance_id = ?`).get(instanceId);
    if (raw === undefined) return undefined;
    const row = readInstance(raw);
    this.#recent.keep(instanceId, row);
    return row;
  }

  put(row: InstanceRow): void {
    const before = this.read(row.instanceId);
    if (row.input !== (before?.input ?? null)) this.#putPayload(row.instanceId, 'input', row.input);
    if (row.output !== (before?.output ?? null)) this.#putPayload(row.instanceId, 'output', row.output);
    if (before !== undefined && isSameExecution(before, row)) this.#update(row);
    else this.#replace(row);
    this.#recent.change(row.instanceId, row);
  }

  deleteAll(instanceId: string): void {
    this.#connection.sql('DELETE FROM instances WHERE instance_id = ?').run(instanceId);
    this.#connection.sql('DELETE FROM payloads WHERE instance_id = ?').run(instanceId);
    this.#recent.change(instanceId, undefined);
  }

  /** To be called when a transaction has ended. */
  settle(outcome: 'committed' | 'undone'): void {
    this.#recent.settle(outcome);
  }

  /** What a turn changes, so that the index of what it does not change stays as it is. */
  #update(row: InstanceRow): void {
    this.#connection
      .sql(
        `UPDATE instances SET status = ?, custom_status = ?, updated_at_ms = ?, event_count = ?, played_count = ?, is_turn_due = ?
         WHERE instance_id = ?`,
      )
      .run(
        row.status,
        row.customStatus,
        row.updatedAtMs,
        row.eventCount,
        row.playedCount,
        row.isTurnDue ? 1 : 0,
        row.instanceId,
      );
  }

  #replace(row: InstanceRow): void {
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

  #putPayload(instanceId: string, kind: 'input' | 'output', text: string | null): void {
    if (text === null)
      this.#connection.sql('DELETE FROM payloads WHERE instance_id = ? AND kind = ?').run(instanceId, kind);
    else
      this.#connection
        .sql('INSERT OR REPLACE INTO payloads (instance_id, kind, text) VALUES (?, ?, ?)')
        .run(instanceId, kind, text);
  }
}

const isSameExecution = (a: InstanceRow, b: InstanceRow): boolean =>
  a.executionId === b.executionId &&
  a.name === b.name &&
  a.version === b.version &&
  a.createdAtMs === b.createdAtMs &&
  a.parent === b.parent &&
  a.sourceInstanceId === b.sourceInstanceId;
