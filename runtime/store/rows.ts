import { z } from 'zod';
import { historyEvent, type HistoryEvent } from '../engine/history';
import { runtimeStatuses, type ActivityRow, type InstanceRow, type Message, type TimerRow } from '../engine/store';

/** A text in its row, or in the table of large texts. */
const inline = { text: z.string().nullable(), large: z.string().nullable() };

const parent = z.object({
  Name: z.string(),
  OrchestrationInstance: z.object({ InstanceId: z.string(), ExecutionId: z.string() }),
  TaskScheduleId: z.int(),
  Version: z.string().nullable(),
});

const instanceRow = z.object({
  instance_id: z.string(),
  execution_id: z.string(),
  name: z.string(),
  version: z.string().nullable(),
  status: z.enum(runtimeStatuses),
  input: z.string().nullable(),
  output: z.string().nullable(),
  custom_status: z.string().nullable(),
  created_at_ms: z.int(),
  updated_at_ms: z.int(),
  parent: z.string().nullable(),
  source_instance_id: z.string().nullable(),
  event_count: z.int(),
  played_count: z.int(),
  is_turn_due: z.int(),
});

export function readInstance(raw: unknown): InstanceRow {
  const row = instanceRow.parse(raw);
  return {
    instanceId: row.instance_id,
    executionId: row.execution_id,
    name: row.name,
    version: row.version,
    status: row.status,
    input: row.input,
    output: row.output,
    customStatus: row.custom_status,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    parent: row.parent === null ? null : parent.parse(JSON.parse(row.parent)),
    sourceInstanceId: row.source_instance_id,
    eventCount: row.event_count,
    playedCount: row.played_count,
    isTurnDue: row.is_turn_due === 1,
  };
}

const chunkRow = z.object({ first: z.int(), count: z.int(), ...inline });
const chunkEvents = z.array(historyEvent);

/** One row of a history: the events that one transaction added. */
export function readChunk(raw: unknown): { readonly first: number; readonly events: HistoryEvent[] } {
  const row = chunkRow.parse(raw);
  const events = chunkEvents.parse(JSON.parse(row.text ?? row.large ?? '[]'));
  if (events.length !== row.count) throw new Error(`history row at ${row.first} has lost events`);
  return { first: row.first, events };
}

const messageRow = z.object({
  id: z.int(),
  instance_id: z.string(),
  execution_id: z.string().nullable(),
  ...inline,
});

export function readMessage(raw: unknown): Message {
  const row = messageRow.parse(raw);
  return {
    id: row.id,
    instanceId: row.instance_id,
    executionId: row.execution_id,
    event: historyEvent.parse(JSON.parse(row.text ?? row.large ?? 'null')),
  };
}

const timerRow = z.object({
  instance_id: z.string(),
  timer_id: z.int(),
  execution_id: z.string(),
  due_at_ms: z.int(),
});

export function readTimer(raw: unknown): TimerRow {
  const row = timerRow.parse(raw);
  return {
    instanceId: row.instance_id,
    timerId: row.timer_id,
    executionId: row.execution_id,
    dueAtMs: row.due_at_ms,
  };
}

const activityRow = z.object({
  id: z.int(),
  instance_id: z.string(),
  execution_id: z.string(),
  task_id: z.int(),
  name: z.string(),
  ...inline,
});

export function readActivity(raw: unknown): ActivityRow {
  const row = activityRow.parse(raw);
  return {
    id: row.id,
    instanceId: row.instance_id,
    executionId: row.execution_id,
    taskId: row.task_id,
    name: row.name,
    input: row.text ?? row.large,
  };
}

// Made once: zod compiles a schema when it is first used.
const instanceIdRow = z.object({ instance_id: z.string() });
const activityKey = z.object({ id: z.int(), instance_id: z.string() });
const tallyRow = z.object({ instance_id: z.string(), count: z.int() });
const textRow = z.object({ text: z.string() });
const timeRow = z.object({ at_ms: z.int().nullable() });

export const readInstanceId = (raw: unknown): string => instanceIdRow.parse(raw).instance_id;
export function readActivityKey(raw: unknown): { readonly id: number; readonly instanceId: string } {
  const row = activityKey.parse(raw);
  return { id: row.id, instanceId: row.instance_id };
}
export function readTally(raw: unknown): readonly [instanceId: string, count: number] {
  const row = tallyRow.parse(raw);
  return [row.instance_id, row.count];
}
export const readText = (raw: unknown): string => textRow.parse(raw).text;
export const readTime = (raw: unknown): number | undefined => timeRow.parse(raw).at_ms ?? undefined;
