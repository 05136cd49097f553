import type { TypedData } from '../core/typed-data';
import { activityEvent, type Ahead, type EndedActivity } from './activity';
import type { FollowedReplays } from './followed-replays';
import type { HistoryEvent } from './history';
import type { NextTurn } from './invoker';
import type { ActivityRow, InstanceRow, Message, StoreTx, TimerRow } from './store';
import { turnOf, turnStarted } from './turn';

/** What the worker is told of the turn after an activity, and what that rests on. */
export type Offer = Pick<Ahead, 'row' | 'history' | 'knownActions'> & { readonly next: NextTurn };

/** The turn that the worker may play of its own accord when this activity returns; undefined when it may become another. */
export function offerOf(tx: StoreTx, activity: ActivityRow, replays: FollowedReplays): Offer | undefined {
  const { instanceId, executionId, taskId } = activity;
  const row = tx.instance(instanceId);
  if (row?.executionId !== executionId || row.status !== 'Running' || row.isTurnDue) return undefined;
  const history = tx.history(instanceId);
  const knownActions = replays.knownActionsAfter(row, history, taskId);
  if (knownActions === undefined || tx.inbox(instanceId, 1).length > 0) return undefined;
  const turn = { ...turnOf(row, history, knownActions), knownActions };
  return { row, history, knownActions, next: { functionName: row.name, turn, taskId } };
}

/** The turn that is being played ahead, if it is the one that has to be played now: nothing else came, nothing has changed. */
export function aheadOf(
  row: InstanceRow,
  history: readonly HistoryEvent[],
  news: {
    readonly inbox: readonly Message[];
    readonly ended: readonly EndedActivity[];
    readonly dueTimers: readonly TimerRow[];
  },
): Ahead | undefined {
  const [first, ...others] = news.ended;
  if (first?.ahead === undefined || others.length + news.inbox.length + news.dueTimers.length > 0) return undefined;
  return first.ahead.row === row && first.ahead.history === history ? first.ahead : undefined;
}

/** The events with which the turn begins that follows an activity's return at once. */
export const eventsAfter = (taskId: number, value: TypedData | null, atMs: number): readonly HistoryEvent[] => [
  turnStarted(atMs),
  activityEvent({ taskId, name: '' }, { kind: 'returned', value }, atMs, String),
];
