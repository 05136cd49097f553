import type { EndedActivity } from './activity';
import { EventType, isoTime, type EventOf, type ExecutionStarted, type HistoryEvent } from './history';
import type { OrchestratorTurn } from './invoker';
import { isTerminal, type InstanceRow, type Message, type TimerRow } from './store';

/** What an episode has to work on: the history with its new events, and what of the inbox it uses up. */
export type Gathered = {
  readonly history: readonly HistoryEvent[];
  /** Set when a terminate is among the new events. */
  readonly termination: EventOf<typeof EventType.ExecutionTerminated> | undefined;
  readonly usedMessageIds: readonly number[];
  readonly endedActivityIds: readonly number[];
  readonly firedTimerIds: readonly number[];
  /** False when nothing happened for this execution: no turn is needed. */
  readonly hasNews: boolean;
  /** Something may have come that this turn does not take: the inbox holds more than a turn takes, or waits for a new generation. */
  readonly mayHaveMore: boolean;
};

/** What has come for an instance. */
export type News = {
  readonly inbox: readonly Message[];
  /** Whether these are all messages that there are. */
  readonly isWholeInbox: boolean;
  readonly ended: readonly EndedActivity[];
  readonly dueTimers: readonly TimerRow[];
};

/** Puts what has come for an instance behind its history, in the order of its times. */
export function gather(row: InstanceRow, history: readonly HistoryEvent[], news: News, nowMs: number): Gathered {
  const { inbox, ended, dueTimers } = news;
  const isOurs = (executionId: string | null): boolean =>
    !isTerminal(row.status) && (executionId === null || executionId === row.executionId);
  const messages = inbox.filter((message) => isOurs(message.executionId)).map((message) => message.event);
  const ends = ended.filter(({ activity }) => isOurs(activity.executionId)).map(({ event }) => event);
  const timers = dueTimers.filter((timer) => isOurs(timer.executionId)).map(timerFired);
  const merged = mergeByTime([...messages, ...ends], timers);
  return {
    // A long array is copied by `concat` with another array in a tenth of the time that spreading takes.
    history: merged.length === 0 ? history : history.concat([turnStarted(nowMs), ...merged]),
    termination: merged.find((event) => event.EventType === EventType.ExecutionTerminated),
    usedMessageIds: inbox.map((message) => message.id),
    endedActivityIds: ended.map(({ activity }) => activity.id),
    firedTimerIds: dueTimers.map((timer) => timer.timerId),
    hasNews: merged.length > 0 || row.isTurnDue,
    mayHaveMore: !news.isWholeInbox,
  };
}

/** The event with which each turn begins. */
export const turnStarted = (nowMs: number): HistoryEvent => ({
  EventType: EventType.OrchestratorStarted,
  EventId: -1,
  Timestamp: isoTime(nowMs),
});

const timerFired = (timer: TimerRow): HistoryEvent => ({
  EventType: EventType.TimerFired,
  TimerId: timer.timerId,
  FireAt: isoTime(timer.dueAtMs),
  EventId: -1,
  Timestamp: isoTime(timer.dueAtMs),
});

/** Messages keep their order; a timer comes before the first message that is later than its due time. */
function mergeByTime(messages: readonly HistoryEvent[], timers: readonly HistoryEvent[]): HistoryEvent[] {
  const merged: HistoryEvent[] = [];
  let timerIndex = 0;
  for (const message of messages) {
    for (;;) {
      const timer = timers[timerIndex];
      if (timer === undefined || timer.Timestamp > message.Timestamp) break;
      merged.push(timer);
      timerIndex += 1;
    }
    merged.push(message);
  }
  return [...merged, ...timers.slice(timerIndex)];
}

/** The event that began the execution whose history this is. */
export function startOf(history: readonly HistoryEvent[]): ExecutionStarted | undefined {
  return history.find((event) => event.EventType === EventType.ExecutionStarted);
}

/** The turn that durable-functions is given. */
export function turnOf(
  row: InstanceRow,
  history: readonly HistoryEvent[],
  knownActions: number | null,
): OrchestratorTurn {
  return {
    instanceId: row.instanceId,
    executionId: row.executionId,
    history,
    playedCount: row.playedCount,
    input: row.input,
    parentInstanceId: row.parent?.OrchestrationInstance.InstanceId ?? null,
    sourceInstanceId: row.sourceInstanceId,
    knownActions,
  };
}

/** An event as durable-functions gets it. */
export type PlayedEvent = HistoryEvent & { IsPlayed: boolean };

/** Whether an event counts as played; the extension never says so of OrchestratorStarted. */
export const isPlayed = (event: HistoryEvent, index: number, playedCount: number): boolean =>
  index < playedCount && event.EventType !== EventType.OrchestratorStarted;

/** The payload of an orchestration trigger, field by field as the extension writes it (3.19). */
export function turnPayload(
  turn: Omit<OrchestratorTurn, 'history' | 'executionId' | 'knownActions'>,
  history: PlayedEvent[],
): object {
  return {
    history,
    // Parsed anew each turn: the app may change the object.
    input: turn.input === null ? null : (JSON.parse(turn.input) as unknown),
    instanceId: turn.instanceId,
    isReplaying: turn.playedCount > 0,
    parentInstanceId: turn.parentInstanceId,
    sourceInstanceId: turn.sourceInstanceId,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    longRunningTimerIntervalDuration: '3.00:00:00',
    maximumShortTimerDuration: '6.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  };
}

/** The payload with the whole history of the turn. */
export const wholeTurnPayload = (turn: OrchestratorTurn): object =>
  turnPayload(
    turn,
    turn.history.map((event, index) => ({ ...event, IsPlayed: isPlayed(event, index, turn.playedCount) })),
  );
