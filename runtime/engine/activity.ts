import { jsonTextOf } from '../core/typed-data';
import { activityFailure, plainFailure } from './failure';
import { EventType, isoTime, type HistoryEvent } from './history';
import type { InvocationEnd, TurnAhead } from './invoker';
import type { ActivityRow, InstanceRow } from './store';

/** A turn that is played ahead, and what it rests on: the engine takes its answer only if nothing of that has changed. */
export type Ahead = TurnAhead & {
  readonly row: InstanceRow;
  readonly history: readonly HistoryEvent[];
  readonly knownActions: number;
};

/** An activity whose end is known. */
export type EndedActivity = {
  readonly activity: ActivityRow;
  readonly event: HistoryEvent;
  readonly ahead?: Ahead | undefined;
};

/** The event by which an orchestration learns how its activity ended. `verdict` says it of a lost one. */
export function activityEvent(
  activity: Pick<ActivityRow, 'taskId' | 'name'>,
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
