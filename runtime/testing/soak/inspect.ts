import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { readEntityState } from '../../engine/entity-state';
import { EventType, type HistoryEvent } from '../../engine/history';
import type { InstanceRow } from '../../engine/store';
import { SqliteStore } from '../../store/sqlite';
import type { Asked } from './life';
import { writesOf } from './loads';

/** What the state says after the last host has ended. */
export type Inspected = {
  readonly instances: number;
  readonly completedActivities: number;
  /** Times that an activity ran which had run before: at least once, and not exactly once, is what is promised. */
  readonly repeatedActivities: number;
  readonly entityOperations: number;
  readonly faults: readonly string[];
};

/** Looks through the state and the traces that the killed hosts left. */
export function inspect(stateFolder: string, effectsFile: string, asked: readonly Asked[]): Inspected {
  const lines = existsSync(effectsFile) ? readFileSync(effectsFile, 'utf8').trim().split('\n') : [];
  const effects = new Set(lines);
  const store = new SqliteStore(stateFolder);
  try {
    const rows = store.read((tx) => tx.listInstances({ kind: 'orchestration' }, '', 10_000_000));
    const histories = rows.map((row) => ({ row, history: store.read((tx) => tx.history(row.instanceId)) }));
    const journals = journalLines(store);
    const byId = new Map(rows.map((row) => [row.instanceId, row]));
    const completed = histories.flatMap(({ row, history }) => completedKeys(row.instanceId, history));
    const counts = rows.filter((row) => row.name === 'Counts').length;
    return {
      instances: rows.length,
      completedActivities: completed.length,
      repeatedActivities: lines.length - effects.size,
      entityOperations: [...journals.values()].flat().length + counts * 2,
      faults: [
        ...asked.flatMap((instance) => instanceFaults(instance, byId.get(instance.id))),
        ...histories.flatMap(({ row, history }) => historyFaults(row, history)),
        ...completed.filter((key) => !effects.has(key)).map((key) => `${key} is completed and has not happened`),
        ...counterFaults(store, counts),
        ...journalFaults(rows, journals),
        ...leftovers(store),
      ],
    };
  } finally {
    store.close();
  }
}

/** What was acknowledged is there; what is there has ended well and with the right output. */
function instanceFaults({ id, load, input, isAcknowledged }: Asked, row: InstanceRow | undefined): string[] {
  if (row === undefined) return isAcknowledged ? [`${id} was acknowledged and is lost`] : [];
  const expected = load.output(input, id);
  const isRight = expected === undefined || row.output === JSON.stringify(expected);
  if (row.status === 'Completed' && isRight) return [];
  return [`${id} (${load.orchestrator}) ended ${row.status} with ${row.output}, not ${JSON.stringify(expected)}`];
}

/** A history is one: it begins once, with the execution of its instance, ends once, as its instance, and has one end for each task. */
function historyFaults(row: InstanceRow, history: readonly HistoryEvent[]): string[] {
  const { instanceId } = row;
  const faults: string[] = [];
  const begun = history.filter((event) => event.EventType === EventType.ExecutionStarted);
  const over = history.filter((event) => event.EventType === EventType.ExecutionCompleted);
  if (begun.length !== 1) faults.push(`${instanceId} has begun ${begun.length} times`);
  if (begun.some((event) => event.OrchestrationInstance.ExecutionId !== row.executionId)) {
    faults.push(`${instanceId} has the history of another execution`);
  }
  if (over.length !== 1) faults.push(`${instanceId} has ended ${over.length} times`);
  if (over.some((event) => event.Result !== row.output))
    faults.push(`${instanceId} has another output than its history`);
  const scheduled = history.flatMap((event) =>
    event.EventType === EventType.TaskScheduled || event.EventType === EventType.SubOrchestrationInstanceCreated
      ? [event.EventId]
      : [],
  );
  const ended = history.flatMap((event) => ('TaskScheduledId' in event ? [event.TaskScheduledId] : []));
  if (new Set(scheduled).size !== scheduled.length) faults.push(`${instanceId} has scheduled a task twice`);
  if (JSON.stringify([...scheduled].sort()) !== JSON.stringify([...ended].sort())) {
    faults.push(`${instanceId} scheduled ${scheduled.join()} and got ${ended.join()}`);
  }
  return faults;
}

/** The trace that each completed activity must have left. Those of the sample app are numbered in their order. */
function completedKeys(instanceId: string, history: readonly HistoryEvent[]): string[] {
  const started = history.find((event) => event.EventType === EventType.ExecutionStarted);
  const completed = history.filter((event) => event.EventType === EventType.TaskCompleted).length;
  const isGeneration = started?.Name === 'Generations';
  return Array.from(
    { length: completed },
    (_, index) => `${instanceId}/${isGeneration ? (started.Input ?? '0') : index}`,
  );
}

/** Each Counts orchestration adds two; none is lost and none counts twice. */
function counterFaults(store: SqliteStore, orchestrations: number): string[] {
  const row = store.read((tx) => tx.instance('@counter@soak'));
  const value = row === undefined ? 0 : Number(readEntityState(row).state);
  return value === orchestrations * 2 ? [] : [`the counter stands at ${value} after ${orchestrations} orchestrations`];
}

function journalLines(store: SqliteStore): Map<string, readonly string[]> {
  const rows = store.read((tx) => tx.listInstances({ kind: 'entity', idPrefix: '@journal@' }, '', 1_000_000));
  return new Map(
    rows.map((row) => [row.instanceId, z.array(z.string()).parse(JSON.parse(readEntityState(row).state ?? '[]'))]),
  );
}

const written = z.object({ key: z.string(), count: z.int() });

/** Of each writer its journal has every line once and in order, whatever stands between them. */
function journalFaults(rows: readonly InstanceRow[], journals: ReadonlyMap<string, readonly string[]>): string[] {
  const writers = rows.filter((row) => row.name === 'Writes');
  const expectedLines = new Map(writers.map((row) => [row.instanceId, written.parse(JSON.parse(row.input ?? 'null'))]));
  const faults = writers.flatMap(({ instanceId }) => {
    const { key, count } = expectedLines.get(instanceId) ?? { key: '', count: 0 };
    const lines = (journals.get(`@journal@${key}`) ?? []).filter((line) => line.startsWith(`${instanceId}/`));
    const expected = writesOf(instanceId, count);
    return lines.join() === expected.join()
      ? []
      : [`${instanceId} wrote ${expected.join()} and there is ${lines.join()}`];
  });
  return faults;
}

function leftovers(store: SqliteStore): string[] {
  return store.read((tx) => [
    ...tx.openActivityIds().map((id) => `activity ${id} is still open`),
    ...tx.instancesWithWork().map((id) => `${id} still has messages`),
  ]);
}
