import { EventType, type HistoryEvent } from './history';
import { executionStarted, type Work } from './instances';
import type { InstanceRow, StoreTx } from './store';

/**
 * Takes the failures out of a failed orchestration's history, so that what failed runs again; failed children are rewound
 * themselves and report once more. Returns the work that it makes.
 */
export function rewindTree(tx: StoreTx, row: InstanceRow, nowMs: number): Work[] {
  const history = tx.history(row.instanceId);
  const failedTasks = new Set<number>();
  const failedChildren = new Set<number>();
  for (const event of history) {
    if (event.EventType === EventType.TaskFailed) failedTasks.add(event.TaskScheduledId);
    if (event.EventType === EventType.SubOrchestrationInstanceFailed) failedChildren.add(event.TaskScheduledId);
  }
  const work: Work[] = [];
  for (const event of history) {
    if (event.EventType !== EventType.SubOrchestrationInstanceCreated || !failedChildren.has(event.EventId)) continue;
    const child = tx.instance(event.InstanceId);
    if (child?.status === 'Failed') work.push(...rewindTree(tx, child, nowMs));
    else failedTasks.add(event.EventId);
  }
  const kept = history.filter((event) => !isRewound(event, failedTasks));
  reopen(tx, row, kept, nowMs);
  return [...work, { kind: 'instance', instanceId: row.instanceId }];
}

/** Lets an instance go on with this history. One that failed before its first turn has none and begins anew. */
function reopen(tx: StoreTx, row: InstanceRow, history: readonly HistoryEvent[], nowMs: number): void {
  const isNew = !history.some((event) => event.EventType === EventType.ExecutionStarted);
  const { instanceId, executionId } = row;
  tx.writeHistory(instanceId, 0, isNew ? [] : history);
  if (isNew) tx.post({ instanceId, executionId, event: executionStarted({ ...row, nowMs }) });
  tx.putInstance({
    ...row,
    status: 'Running',
    output: null,
    updatedAtMs: nowMs,
    eventCount: isNew ? 0 : history.length,
    playedCount: isNew ? 0 : history.length,
    isTurnDue: !isNew,
  });
}

/** Whether rewinding takes this event out of the history: failures, what scheduled failed tasks, and the end. */
function isRewound(event: HistoryEvent, failedTasks: ReadonlySet<number>): boolean {
  switch (event.EventType) {
    case EventType.ExecutionCompleted:
    case EventType.TaskFailed:
    case EventType.SubOrchestrationInstanceFailed:
      return true;
    case EventType.TaskScheduled:
    case EventType.SubOrchestrationInstanceCreated:
      return failedTasks.has(event.EventId);
    default:
      return false;
  }
}
