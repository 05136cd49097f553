import type { OrchestratorAnswer } from './answer';
import type { Decision } from './decision';
import { releaseText, requestText } from './entity-message';
import { EventType, isoTime, type EventOf, type HistoryEvent } from './history';
import { replay, type Replayed } from './replay';
import type { RuntimeStatus } from './store';

/** Custom status that is longer is refused by the extension (DurableOrchestrationContext.SetCustomStatus). */
export const customStatusBytesMax = 16 * 1024;

/** What a turn leads to. */
export type Conclusion = {
  /** The history with what the turn adds. */
  readonly history: readonly HistoryEvent[];
  /** New in it; their effects (activities, timers, messages) are to be made in the same transaction. */
  readonly decisions: readonly Decision[];
  readonly abandonedTimerIds: readonly number[];
  /** What the author of the orchestrator should know. */
  readonly warnings: readonly string[];
  /** JSON text; undefined leaves the one before. */
  readonly customStatus: string | undefined;
  readonly next:
    | { readonly kind: 'waits'; readonly isSuspended: boolean }
    | {
        readonly kind: 'ends';
        readonly status: RuntimeStatus & EndStatus;
        readonly result: string | null;
        readonly details: string;
      }
    | { readonly kind: 'continuesAsNew'; readonly input: string | null; readonly events: readonly HistoryEvent[] };
};

type EndStatus = 'Completed' | 'Failed' | 'Terminated';

export type ConcludeOptions = {
  readonly name: string;
  readonly nowMs: number;
  readonly newId: () => string;
  /** What becomes of events that a generation received and never waited for. Azure loses them. */
  readonly unconsumedEvents: 'keep' | 'lose';
  /** The version of children that are given none. */
  readonly defaultVersion: string | null;
};

type SoundReplay = Extract<Replayed, { kind: 'sound' }>;

/**
 * Turns the orchestrator's answer into the history's next events and what has to be done. `replayed` is what following the answer
 * has told already; without it the whole history is replayed.
 */
export function conclude(
  history: readonly HistoryEvent[],
  answer: OrchestratorAnswer,
  options: ConcludeOptions,
  replayed: Replayed = replay(history, answer),
): Conclusion {
  const status = customStatusOf(answer);
  if (status.kind === 'tooLarge') return end(history, 'Failed', failedReason(options.name, status.reason), '', options);
  if (replayed.kind === 'broken') return end(history, 'Failed', replayed.reason, '', options);
  const decisions = replayed.decisions.map((decision) => withVersion(decision, options.defaultVersion));
  const records = decisions.map((decision) => recordOf(decision, history, options));
  const common = { ...conclusionOf(answer, replayed, history, records, options), customStatus: status.text };
  return {
    ...common,
    decisions,
    abandonedTimerIds: replayed.abandonedTimerIds,
    warnings: replayed.repeatedCalls.map((name) => repeatedCallWarning(options.name, name)),
  };
}

const withVersion = (decision: Decision, version: string | null): Decision =>
  decision.kind === 'subOrchestration' && decision.version === null ? { ...decision, version } : decision;

function conclusionOf(
  answer: OrchestratorAnswer,
  replayed: SoundReplay,
  history: readonly HistoryEvent[],
  records: readonly HistoryEvent[],
  options: ConcludeOptions,
): Conclusion {
  if (replayed.isQuiet && answer.error !== undefined) {
    const details = `Message: ${answer.error}, StackTrace: `;
    return end(history.concat(records), 'Failed', failedReason(options.name, answer.error), details, options);
  }
  if (replayed.isQuiet && replayed.continueAsNew !== undefined) {
    const kept = options.unconsumedEvents === 'keep' ? replayed.unconsumedEvents : [];
    const { input } = replayed.continueAsNew;
    return {
      ...waiting(history, records, false, options),
      next: {
        kind: 'continuesAsNew',
        input: input === undefined || input === null ? null : JSON.stringify(input),
        events: [...kept, ...replayed.carriedEvents],
      },
    };
  }
  if (replayed.isQuiet && answer.isDone) {
    const result = answer.output === undefined || answer.output === null ? null : JSON.stringify(answer.output);
    return end(history.concat(records), 'Completed', result, '', options);
  }
  return waiting(history, records, replayed.isSuspended, options);
}

const repeatedCallWarning = (orchestrator: string, called: string): string =>
  `Orchestrator '${orchestrator}' calls '${called}' while the same call is open. If it passed the open call to another Task.any or Task.all: durable-functions lists it again, so it runs twice, and the calls after it are numbered wrongly.`;

export const failedReason = (name: string, message: string): string =>
  `Orchestrator function '${name}' failed: ${message}`;

function waiting(
  history: readonly HistoryEvent[],
  records: readonly HistoryEvent[],
  isSuspended: boolean,
  options: ConcludeOptions,
): Conclusion {
  return {
    history: closed(history, records, options.nowMs),
    decisions: [],
    abandonedTimerIds: [],
    warnings: [],
    customStatus: undefined,
    next: { kind: 'waits', isSuspended },
  };
}

/** Ends the execution. `result` is JSON text when it completed, plain text otherwise. */
export function end(
  history: readonly HistoryEvent[],
  status: EndStatus,
  result: string | null,
  details: string,
  options: Pick<ConcludeOptions, 'nowMs'>,
): Conclusion {
  const completed: HistoryEvent = {
    EventType: EventType.ExecutionCompleted,
    OrchestrationStatus: status,
    Result: result,
    Details: details === '' ? null : details,
    FailureDetails: null,
    EventId: -1,
    Timestamp: isoTime(options.nowMs),
  };
  return {
    history: closed(history, [completed], options.nowMs),
    decisions: [],
    abandonedTimerIds: [],
    warnings: [],
    customStatus: undefined,
    next: { kind: 'ends', status, result, details },
  };
}

/** DurableTask.Core closes a turn unless it is closed already, as that of a new generation is. */
function closed(
  history: readonly HistoryEvent[],
  more: readonly HistoryEvent[],
  nowMs: number,
): readonly HistoryEvent[] {
  if ((more.at(-1) ?? history.at(-1))?.EventType === EventType.OrchestratorCompleted) return history.concat(more);
  const completed: HistoryEvent = {
    EventType: EventType.OrchestratorCompleted,
    EventId: -1,
    Timestamp: isoTime(nowMs),
  };
  return history.concat([...more, completed]);
}

type CustomStatus =
  { readonly kind: 'fits'; readonly text: string | undefined } | { readonly kind: 'tooLarge'; readonly reason: string };

function customStatusOf(answer: OrchestratorAnswer): CustomStatus {
  if (answer.customStatus === undefined || answer.customStatus === null) return { kind: 'fits', text: undefined };
  const text = JSON.stringify(answer.customStatus);
  const bytes = text.length * 2;
  if (bytes <= customStatusBytesMax) return { kind: 'fits', text };
  return {
    kind: 'tooLarge',
    reason: `The UTF-16 size of the JSON-serialized payload must not exceed 16 KB. The current payload size is ${Math.round(bytes / 1024)} KB.`,
  };
}

/** The event by which the history records a decision. */
function recordOf(decision: Decision, history: readonly HistoryEvent[], options: ConcludeOptions): HistoryEvent {
  const stamp = { EventId: decision.id, Timestamp: isoTime(options.nowMs) };
  switch (decision.kind) {
    case 'activity':
      return {
        EventType: EventType.TaskScheduled,
        Name: decision.name,
        Version: '',
        Input: null,
        ParentTraceContext: null,
        Tags: null,
        ...stamp,
      };
    case 'subOrchestration':
      return {
        EventType: EventType.SubOrchestrationInstanceCreated,
        Name: decision.name,
        Version: decision.version,
        InstanceId: decision.instanceId,
        Input: null,
        ClientSpanId: null,
        Tags: null,
        ...stamp,
      };
    case 'timer':
      return { EventType: EventType.TimerCreated, FireAt: isoTime(decision.fireAtMs), ...stamp };
    case 'entityMessage':
      return {
        EventType: EventType.EventSent,
        InstanceId: decision.target,
        Name: decision.message.kind === 'release' ? 'release' : 'op',
        Input: messageText(decision, history, options),
        ...stamp,
      };
  }
}

function messageText(
  decision: Extract<Decision, { kind: 'entityMessage' }>,
  history: readonly HistoryEvent[],
  options: ConcludeOptions,
): string {
  const started = history.find(
    (event): event is EventOf<typeof EventType.ExecutionStarted> => event.EventType === EventType.ExecutionStarted,
  );
  const instanceId = started?.OrchestrationInstance.InstanceId ?? '';
  const { message } = decision;
  if (message.kind === 'release') return releaseText(message.requestId, instanceId);
  return requestText(message, {
    requestId: message.kind === 'lock' ? message.requestId : options.newId(),
    instanceId,
    executionId: started?.OrchestrationInstance.ExecutionId ?? '',
    now: isoTime(options.nowMs),
  });
}
