import { z } from 'zod';
import { entityOfInstanceId } from './decision';
import { isoTime } from './history';
import type { InstanceRow, StoreTx } from './store';

/** What an entity is between its turns; kept as the input of its instance, which is where the management API shows it. */
const entityState = z.object({
  exists: z.boolean(),
  /** JSON text. */
  state: z.string().nullable(),
  /** The orchestration that holds the entity's lock. */
  lockedBy: z.string().nullable().default(null),
  lastOperationTime: z.string().nullable().default(null),
});
export type EntityState = z.infer<typeof entityState>;

const newEntity: EntityState = { exists: false, state: null, lockedBy: null, lastOperationTime: null };

export const isEntityId = (instanceId: string): boolean => entityOfInstanceId(instanceId) !== undefined;

export const readEntityState = (row: InstanceRow): EntityState =>
  row.input === null ? newEntity : entityState.parse(JSON.parse(row.input));

/** Sees to it that an entity has an instance which can take messages. */
export function ensureEntity(tx: StoreTx, instanceId: string, newId: () => string, nowMs: number): void {
  if (tx.instance(instanceId) !== undefined) return;
  tx.putInstance({
    instanceId,
    // Each state of an entity is an execution of its own, as in DurableTask where entities continue as new.
    executionId: newId(),
    name: instanceId,
    version: null,
    status: 'Running',
    input: JSON.stringify(newEntity),
    output: null,
    customStatus: JSON.stringify({ entityExists: false }),
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    parent: null,
    sourceInstanceId: null,
    eventCount: 0,
    playedCount: 0,
    isTurnDue: false,
  });
}

/** Writes an entity's new state; an entity that does not exist and is not locked goes, unless messages wait for it. */
export function putEntity(tx: StoreTx, row: InstanceRow, state: EntityState, newId: () => string, nowMs: number): void {
  if (!state.exists && state.lockedBy === null && tx.inbox(row.instanceId, 1).length === 0) {
    tx.deleteInstance(row.instanceId);
    return;
  }
  tx.putInstance({
    ...row,
    executionId: newId(),
    input: JSON.stringify({ ...state, lastOperationTime: isoTime(nowMs) }),
    customStatus: JSON.stringify({ entityExists: state.exists }),
    updatedAtMs: nowMs,
  });
}
