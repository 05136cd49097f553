import { EventType, eventTypeName, type HistoryEvent } from '../engine/history';

export type HistoryViewOptions = { readonly showOutput: boolean; readonly showInput: boolean };

type Item = Record<string, unknown>;
type Scheduled = { readonly name: string; readonly timestamp: string; readonly instanceId: string | undefined };

/**
 * The history as the management API shows it (DurableClient.GetDurableOrchestrationStatusAsync of the extension): turns
 * left out, what scheduled a task merged into what became of it once that is known.
 */
export function historyView(history: readonly HistoryEvent[], options: HistoryViewOptions): Item[] {
  const scheduled = new Map<number, Scheduled>();
  const ended = new Set<number>();
  for (const event of history) {
    if ('TaskScheduledId' in event) ended.add(event.TaskScheduledId);
    if (event.EventType === EventType.TaskScheduled || event.EventType === EventType.SubOrchestrationInstanceCreated) {
      const instanceId = 'InstanceId' in event ? event.InstanceId : undefined;
      scheduled.set(event.EventId, { name: event.Name, timestamp: event.Timestamp, instanceId });
    }
  }
  return history
    .filter((event) => isShown(event, ended))
    .map((event) => {
      const item = itemOf(event, scheduled, options);
      if (!options.showInput) delete item['Input'];
      return item;
    });
}

function isShown(event: HistoryEvent, ended: ReadonlySet<number>): boolean {
  switch (event.EventType) {
    case EventType.OrchestratorStarted:
    case EventType.OrchestratorCompleted:
      return false;
    case EventType.TaskScheduled:
    case EventType.SubOrchestrationInstanceCreated:
      return !ended.has(event.EventId);
    default:
      return true;
  }
}

function itemOf(event: HistoryEvent, scheduled: ReadonlyMap<number, Scheduled>, options: HistoryViewOptions): Item {
  const { EventType: type, EventId: _id, Timestamp, ...rest } = event;
  const head = { EventType: eventTypeName(type) };
  switch (event.EventType) {
    case EventType.ExecutionStarted: {
      const { Input, Correlation, ParentTraceContext, ScheduledStartTime, Generation, GenerateNewTrace } = event;
      const kept = { Input, Correlation, ParentTraceContext, ScheduledStartTime, Generation, GenerateNewTrace };
      return { ...head, ...kept, Timestamp, FunctionName: event.Name };
    }
    case EventType.TaskCompleted:
    case EventType.SubOrchestrationInstanceCompleted:
      return { ...head, ...resultOf(event.Result, options), Timestamp, ...originOf(event.TaskScheduledId, scheduled) };
    case EventType.TaskFailed:
    case EventType.SubOrchestrationInstanceFailed: {
      const { Reason, Details, FailureDetails } = event;
      return { ...head, Reason, Details, FailureDetails, Timestamp, ...originOf(event.TaskScheduledId, scheduled) };
    }
    case EventType.ExecutionCompleted: {
      const { OrchestrationStatus, FailureDetails } = event;
      return { ...head, OrchestrationStatus, ...resultOf(event.Result, options), FailureDetails, Timestamp };
    }
    case EventType.TaskScheduled:
    case EventType.SubOrchestrationInstanceCreated: {
      const { Version: _version, ...kept } = event;
      const { EventType: _type, EventId: _eventId, Timestamp: _timestamp, ...shown } = kept;
      return { ...head, ...shown, Timestamp };
    }
    case EventType.TimerFired:
      return { ...head, FireAt: event.FireAt, Timestamp };
    case EventType.OrchestratorStarted:
    case EventType.OrchestratorCompleted:
    case EventType.ExecutionTerminated:
    case EventType.TimerCreated:
    case EventType.EventSent:
    case EventType.EventRaised:
    case EventType.ExecutionSuspended:
    case EventType.ExecutionResumed:
      return { ...head, ...rest, Timestamp };
  }
}

function resultOf(text: string | null, options: HistoryViewOptions): Item {
  if (!options.showOutput) return {};
  try {
    return { Result: text === null ? null : (JSON.parse(text) as unknown) };
  } catch {
    return { Result: text };
  }
}

/** What the scheduling event tells of a task; the extension knows its input no more. */
function originOf(taskId: number, scheduled: ReadonlyMap<number, Scheduled>): Item {
  const origin = scheduled.get(taskId);
  if (origin === undefined) return {};
  return {
    ScheduledTime: origin.timestamp.replace(/Z$/, '+00:00'),
    FunctionName: origin.name,
    ...(origin.instanceId === undefined ? {} : { InstanceId: origin.instanceId }),
    Input: null,
  };
}
