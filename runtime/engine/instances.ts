import { EventType, isoTime, type ExecutionStarted, type HistoryEvent, type ParentInstance } from './history';
import { isTerminal, type InstanceRow, type RuntimeStatus, type StoreTx } from './store';

/** What there is to do after a commit. */
export type Work =
  | { readonly kind: 'instance'; readonly instanceId: string }
  | { readonly kind: 'activity'; readonly id: number }
  | { readonly kind: 'timer'; readonly atMs: number };

export type NewInstance = {
  readonly instanceId: string;
  readonly executionId: string;
  readonly name: string;
  readonly version: string | null;
  /** JSON text. */
  readonly input: string | null;
  readonly parent: ParentInstance | null;
  readonly sourceInstanceId: string | null;
  readonly nowMs: number;
};

/** The tag by which the extension remembers which instance a restarted one was made from. */
const sourceTag = 'MS_DurableFunctions_SourceInstanceId';

/** The first event of an execution. */
export function executionStarted(instance: NewInstance): ExecutionStarted {
  return {
    OrchestrationInstance: { InstanceId: instance.instanceId, ExecutionId: instance.executionId },
    EventType: EventType.ExecutionStarted,
    ParentInstance: instance.parent,
    Name: instance.name,
    Version: instance.version,
    Input: instance.input,
    Tags: instance.sourceInstanceId === null ? null : { [sourceTag]: instance.sourceInstanceId },
    Correlation: null,
    ParentTraceContext: null,
    ScheduledStartTime: null,
    Generation: null,
    GenerateNewTrace: false,
    EventId: -1,
    Timestamp: isoTime(instance.nowMs),
  };
}

/** The row of an instance that has not had its first turn. */
export function pendingRow(instance: NewInstance): InstanceRow {
  return {
    instanceId: instance.instanceId,
    executionId: instance.executionId,
    name: instance.name,
    version: instance.version,
    status: 'Pending',
    input: instance.input,
    output: null,
    customStatus: null,
    createdAtMs: instance.nowMs,
    updatedAtMs: instance.nowMs,
    parent: instance.parent,
    sourceInstanceId: instance.sourceInstanceId,
    eventCount: 0,
    playedCount: 0,
    isTurnDue: false,
  };
}

/** Begins an instance; a finished one of the same id gives way. Returns the state of a living one that is in the way. */
export function beginInstance(tx: StoreTx, instance: NewInstance): RuntimeStatus | undefined {
  const before = tx.instance(instance.instanceId);
  if (before !== undefined && !isTerminal(before.status)) return before.status;
  if (before !== undefined) tx.deleteInstance(instance.instanceId);
  tx.putInstance(pendingRow(instance));
  tx.post({
    instanceId: instance.instanceId,
    executionId: instance.executionId,
    event: executionStarted(instance),
  });
  return undefined;
}

/** The message that tells a parent how its child ended. */
export function reportToParent(
  parent: ParentInstance,
  ended: { readonly status: RuntimeStatus; readonly result: string | null; readonly details: string },
  nowMs: number,
): { readonly instanceId: string; readonly executionId: string; readonly event: HistoryEvent } {
  const stamp = { TaskScheduledId: parent.TaskScheduleId, EventId: -1, Timestamp: isoTime(nowMs) };
  const to = {
    instanceId: parent.OrchestrationInstance.InstanceId,
    executionId: parent.OrchestrationInstance.ExecutionId,
  };
  if (ended.status === 'Completed') {
    const event: HistoryEvent = {
      EventType: EventType.SubOrchestrationInstanceCompleted,
      Result: ended.result,
      ...stamp,
    };
    return { ...to, event };
  }
  const event: HistoryEvent = {
    EventType: EventType.SubOrchestrationInstanceFailed,
    Reason: ended.result ?? '',
    Details: ended.details,
    FailureDetails: null,
    ...stamp,
  };
  return { ...to, event };
}
