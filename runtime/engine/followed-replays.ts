import type { OrchestratorAnswer } from './answer';
import type { HistoryEvent } from './history';
import { isOver, Replay, type Replayed } from './replay';

/** Histories that are shorter are replayed whole each turn: it costs next to nothing, and finds broken determinism at once. */
export const wholeEventsMin = 64;

/** A history is replayed whole again when it is so much longer than the last time: what that costs in all grows with its length only. */
const growthMax = 2;

/** Events of replays that are kept. */
const followedEventsMax = 50_000;

type Followed = {
  readonly executionId: string;
  readonly replay: Replay;
  readonly eventCount: number;
  /** Known by identity: events of a turn that was not committed are others when it is done again. */
  readonly last: HistoryEvent | undefined;
  /** The history's length when it was last replayed whole. */
  readonly wholeCount: number;
};

/** Which execution of which instance. */
type Execution = { readonly instanceId: string; readonly executionId: string };

/**
 * Replays of long histories, kept from turn to turn, so that a turn costs what is new in it. Nothing rests on them: without one,
 * or when history and replay may not agree, or from time to time, everything is replayed from the start.
 */
export class FollowedReplays {
  readonly #followed = new Map<string, Followed>();
  #events = 0;

  /** How many actions a turn's answer may leave out; null when it is to hold all, from a replay of the whole history. */
  knownActions({ instanceId, executionId }: Execution, history: readonly HistoryEvent[]): number | null {
    const followed = this.#followed.get(instanceId);
    if (followed === undefined) return null;
    const agrees = followed.executionId === executionId && history[followed.eventCount - 1] === followed.last;
    if (agrees && history.length < growthMax * followed.wholeCount) return followed.replay.actionCount;
    this.forget(instanceId);
    return null;
  }

  /**
   * The same for the turn that would follow if a task ended now, with a beginning and an end more in the history than it has;
   * undefined when the orchestration may go on with something else first.
   */
  knownActionsAfter(
    { instanceId, executionId }: Execution,
    history: readonly HistoryEvent[],
    taskId: number,
  ): number | undefined {
    const followed = this.#followed.get(instanceId);
    if (followed === undefined || !followed.replay.waitsOnlyFor(taskId)) return undefined;
    const agrees = followed.executionId === executionId && history[followed.eventCount - 1] === followed.last;
    const isFollowedThen = history.length + 2 < growthMax * followed.wholeCount;
    return agrees && isFollowedThen ? followed.replay.actionCount : undefined;
  }

  /** What the answer to a turn means; `history` is the turn's. */
  follow(
    { instanceId, executionId }: Execution,
    history: readonly HistoryEvent[],
    answer: OrchestratorAnswer,
  ): Replayed {
    const before = answer.actionsFrom === 0 ? undefined : this.#followed.get(instanceId);
    this.forget(instanceId);
    if (answer.actionsFrom !== (before?.replay.actionCount ?? 0)) {
      return { kind: 'broken', reason: `its answer begins with action ${answer.actionsFrom}, which was not asked for` };
    }
    const replay = before?.replay ?? new Replay();
    const replayed = replay.follow(history, before?.eventCount ?? 0, answer);
    const isKept = history.length >= wholeEventsMin && replayed.kind === 'sound' && !isOver(answer) && replay.isAtRest;
    if (isKept) {
      const wholeCount = before?.wholeCount ?? history.length;
      this.#keep(instanceId, { executionId, replay, eventCount: history.length, last: history.at(-1), wholeCount });
    }
    return replayed;
  }

  forget(instanceId: string): void {
    this.#events -= this.#followed.get(instanceId)?.eventCount ?? 0;
    this.#followed.delete(instanceId);
  }

  #keep(instanceId: string, followed: Followed): void {
    this.#followed.set(instanceId, followed);
    this.#events += followed.eventCount;
    for (const oldest of this.#followed.keys()) {
      if (this.#events <= followedEventsMax) return;
      this.forget(oldest);
    }
  }
}
