import type { SQLInputValue } from 'node:sqlite';
import type { InstanceFilter } from '../engine/store';

/** All columns of instances, with their texts from the table of payloads. */
export const selectInstances = `SELECT i.*, pin.text AS input, pout.text AS output FROM instances i
  LEFT JOIN payloads pin ON pin.instance_id = i.instance_id AND pin.kind = 'input'
  LEFT JOIN payloads pout ON pout.instance_id = i.instance_id AND pout.kind = 'output'`;

export type Query = { readonly sql: string; readonly values: readonly SQLInputValue[] };

/** The query for one page of instances in the order of their ids, those after `afterId`. */
export function instanceQuery(filter: InstanceFilter, afterId: string, limit: number): Query {
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
  if (filter.idPrefix !== undefined) where('substr(i.instance_id, 1, length(?)) = ?', filter.idPrefix, filter.idPrefix);
  const sql = `${selectInstances} WHERE ${conditions.join(' AND ')} ORDER BY i.instance_id LIMIT ?`;
  return { sql, values: [...values, limit] };
}
