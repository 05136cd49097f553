import { jsonTextOf } from '../core/typed-data';
import { activityFailure, plainFailure } from './failure';
import { EventType, isoTime, type HistoryEvent } from './history';
import type { InvocationEnd } from './invoker';
import type { ActivityRow } from './store';

/** An activity whose end is known. */
export type EndedActivity = { readonly activity: ActivityRow; readonly event: HistoryEvent };

/** The event by which an orchestration learns how its activity ended. `verdict` says it of a lost one. */
export function activityEvent(
  activity: ActivityRow,
  ended: Exclude<InvocationEnd, { kind: 'stopped' }>,
  nowMs: number,
  verdict: (reason: string) => string,
): HistoryEvent {
  const stamp = { TaskScheduledId: activity.taskId, EventId: -1, Timestamp: isoTime(nowMs) };
  switch (ended.kind) {
    case 'returned':
      return { EventType: EventType.TaskCompleted, Result: jsonTextOf(ended.value), ...stamp };
    case 'threw':
      return { EventType: EventType.TaskFailed, ...activityFailure(activity.name, ended), ...stamp };
    case 'lost': {
      const reason = `Activity function '${activity.name}' failed:  ${verdict(ended.reason)}`;
      return { EventType: EventType.TaskFailed, ...plainFailure(reason, ''), ...stamp };
    }
  }
}
