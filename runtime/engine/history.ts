import { z } from 'zod';

/** The numbers by which DurableTask.Core names its history events; durable-functions 3.5 has the same in HistoryEventType. */
export const EventType = {
  ExecutionStarted: 0,
  ExecutionCompleted: 1,
  ExecutionTerminated: 3,
  TaskScheduled: 4,
  TaskCompleted: 5,
  TaskFailed: 6,
  SubOrchestrationInstanceCreated: 7,
  SubOrchestrationInstanceCompleted: 8,
  SubOrchestrationInstanceFailed: 9,
  TimerCreated: 10,
  TimerFired: 11,
  OrchestratorStarted: 12,
  OrchestratorCompleted: 13,
  EventSent: 14,
  EventRaised: 15,
  ExecutionSuspended: 19,
  ExecutionResumed: 20,
} as const;

const json = z.string().nullable();
const stamp = { EventId: z.int(), Timestamp: z.string() };
const instance = z.object({ InstanceId: z.string(), ExecutionId: z.string() });

/** What the extension (3.14 and later) passes on when the app registered an exception properties provider. */
export type FailureDetails = {
  readonly ErrorType: string;
  readonly ErrorMessage: string;
  readonly StackTrace: string | null;
  readonly IsNonRetriable: boolean;
  readonly Properties: Record<string, unknown> | null;
  readonly InnerFailure: FailureDetails | null;
};
const failureDetails: z.ZodType<FailureDetails> = z.lazy(() =>
  z.object({
    ErrorType: z.string(),
    ErrorMessage: z.string(),
    StackTrace: json,
    IsNonRetriable: z.boolean(),
    Properties: z.record(z.string(), z.unknown()).nullable(),
    InnerFailure: failureDetails.nullable(),
  }),
);

const failed = {
  TaskScheduledId: z.int(),
  Reason: z.string(),
  Details: z.string(),
  FailureDetails: failureDetails.nullable(),
};

const parentInstance = z.object({
  Name: z.string(),
  OrchestrationInstance: instance,
  TaskScheduleId: z.int(),
  Version: z.string().nullable(),
});
export type ParentInstance = z.infer<typeof parentInstance>;

const executionStarted = z.object({
  EventType: z.literal(EventType.ExecutionStarted),
  OrchestrationInstance: instance,
  ParentInstance: parentInstance.nullable(),
  Name: z.string(),
  Version: z.string().nullable(),
  Input: json,
  Tags: z.record(z.string(), z.string()).nullable(),
  Correlation: z.null(),
  ParentTraceContext: z.null(),
  ScheduledStartTime: z.null(),
  Generation: z.null(),
  GenerateNewTrace: z.boolean(),
  ...stamp,
});
export type ExecutionStarted = z.infer<typeof executionStarted>;

/** One event of an orchestration's history, in the shape in which the extension hands it to Node; `IsPlayed` is added there. */
export const historyEvent = z.discriminatedUnion('EventType', [
  executionStarted,
  z.object({
    EventType: z.literal(EventType.ExecutionCompleted),
    OrchestrationStatus: z.enum(['Completed', 'Failed', 'Terminated', 'ContinuedAsNew']),
    Result: json,
    Details: json,
    FailureDetails: failureDetails.nullable(),
    ...stamp,
  }),
  z.object({ EventType: z.literal(EventType.ExecutionTerminated), Input: json, ...stamp }),
  z.object({
    EventType: z.literal(EventType.TaskScheduled),
    Name: z.string(),
    Version: z.string(),
    Input: json,
    ParentTraceContext: z.null(),
    Tags: z.null(),
    ...stamp,
  }),
  z.object({ EventType: z.literal(EventType.TaskCompleted), TaskScheduledId: z.int(), Result: json, ...stamp }),
  z.object({ EventType: z.literal(EventType.TaskFailed), ...failed, ...stamp }),
  z.object({
    EventType: z.literal(EventType.SubOrchestrationInstanceCreated),
    Name: z.string(),
    Version: z.string().nullable(),
    InstanceId: z.string(),
    Input: json,
    ClientSpanId: z.null(),
    Tags: z.null(),
    ...stamp,
  }),
  z.object({
    EventType: z.literal(EventType.SubOrchestrationInstanceCompleted),
    TaskScheduledId: z.int(),
    Result: json,
    ...stamp,
  }),
  z.object({ EventType: z.literal(EventType.SubOrchestrationInstanceFailed), ...failed, ...stamp }),
  z.object({ EventType: z.literal(EventType.TimerCreated), FireAt: z.string(), ...stamp }),
  z.object({ EventType: z.literal(EventType.TimerFired), TimerId: z.int(), FireAt: z.string(), ...stamp }),
  z.object({ EventType: z.literal(EventType.OrchestratorStarted), ...stamp }),
  z.object({ EventType: z.literal(EventType.OrchestratorCompleted), ...stamp }),
  z.object({
    EventType: z.literal(EventType.EventSent),
    InstanceId: z.string(),
    Name: z.string(),
    Input: json,
    ...stamp,
  }),
  z.object({
    EventType: z.literal(EventType.EventRaised),
    Name: z.string(),
    Input: json,
    ParentTraceContext: z.null(),
    ...stamp,
  }),
  z.object({ EventType: z.literal(EventType.ExecutionSuspended), Reason: json, ...stamp }),
  z.object({ EventType: z.literal(EventType.ExecutionResumed), Reason: json, ...stamp }),
]);
export type HistoryEvent = z.infer<typeof historyEvent>;

/** The event of one type. */
export type EventOf<T extends HistoryEvent['EventType']> = Extract<HistoryEvent, { EventType: T }>;

/** The name of an event's type, as the management API and logs print it. */
export function eventTypeName(type: HistoryEvent['EventType']): string {
  return Object.entries(EventType).find(([, number]) => number === type)?.[0] ?? String(type);
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();
