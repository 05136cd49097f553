import { ActionType } from '../engine/answer';
import { EventType } from '../engine/history';
import type { PlayedEvent } from '../engine/turn';
import type { RunContexts } from '../core/invoke';
import { isKnownContext, type SdkContext, type SdkTask } from './sdk';

/** How a turn went that was played from where the one before had stopped. */
export type GoneOn =
  /** `json` is the answer, without the first `actionsFrom` actions, or with all where one of those has changed. */
  | { readonly kind: 'waits'; readonly json: string }
  /** The orchestrator's code has ended; `json` is the whole answer. */
  | { readonly kind: 'ended'; readonly json: string };

type TimerAction = { readonly isCanceled: boolean };

/**
 * An orchestration whose code stands at its last yield. `execute` of durable-functions makes the generator and hands the executor
 * one event of the history after the other; `goOn` hands the same executor the events that are new. Whatever is not as expected
 * makes it decline, and the turn is played from its start.
 */
export class WarmOrchestration {
  readonly #contexts: RunContexts;
  readonly #df: SdkContext;
  /** Tasks that ended in the last turn, so whose events count as played from the next turn on. */
  readonly #ended = new Set<SdkTask>();
  #eventCount = 0;
  #actionCount = 0;
  #timers: TimerAction[] = [];

  private constructor(contexts: RunContexts, df: SdkContext) {
    this.#contexts = contexts;
    this.#df = df;
    this.#watchEnds();
  }

  /** Calls `onWarm` when durable-functions, which runs in `contexts` next, makes the orchestration, if its code is known. */
  static watch(contexts: RunContexts, onWarm: (warm: WarmOrchestration) => void): void {
    const { invocation } = contexts;
    Object.defineProperty(invocation, 'df', {
      configurable: true,
      enumerable: true,
      get: () => undefined,
      set: (df: unknown) => {
        Object.defineProperty(invocation, 'df', { value: df, configurable: true, enumerable: true, writable: true });
        if (isKnownContext(df)) onWarm(new WarmOrchestration(contexts, df));
      },
    });
  }

  /** To be called after the turn that made it, with the length of its history; false when it cannot go on. */
  rest(eventCount: number): boolean {
    const { taskOrchestratorExecutor: executor } = this.#df;
    this.#eventCount = eventCount;
    this.#actionCount = executor.actions.length;
    this.#timers = executor.actions.flatMap(uncancelledTimers);
    // Its invocation is over for @azure/functions, which warns of later log lines except in this state.
    this.#contexts.core.state = 'postInvocationHooks';
    return !executor.isDoneExecuting() && executor.actions.length > 0;
  }

  /** Plays what is new in `history`; undefined when it cannot. After that, and after an end, it is of no use. */
  goOn(history: readonly PlayedEvent[], knownActions: number, invocationId: string): GoneOn | undefined {
    const news = history.slice(this.#eventCount);
    const started = news.findLastIndex((event) => event.EventType === EventType.OrchestratorStarted);
    if (started < 0 || knownActions !== this.#actionCount) return undefined;
    this.#contexts.invocation.invocationId = invocationId;
    this.#countAsPlayed();
    try {
      this.#process(news, started);
      return this.#outcome(history.length);
    } catch {
      return undefined;
    }
  }

  /** As the loop of `execute` does. */
  #process(news: readonly PlayedEvent[], started: number): void {
    const { taskOrchestratorExecutor: executor } = this.#df;
    for (const [index, event] of news.entries()) {
      executor._isReplaying = index < started;
      timesAsDates(event);
      executor.processEvent(event);
      if (executor.isDoneExecuting()) return;
    }
  }

  #outcome(eventCount: number): GoneOn {
    const { taskOrchestratorExecutor: executor } = this.#df;
    if (executor.isDoneExecuting()) return { kind: 'ended', json: this.#answer(true, 0) };
    // Of what was listed before, durable-functions changes one thing only: a timer that is cancelled.
    const isCancelled = this.#timers.some((timer) => timer.isCanceled);
    const from = isCancelled ? 0 : this.#actionCount;
    this.#eventCount = eventCount;
    this.#actionCount = executor.actions.length;
    this.#timers = [...(isCancelled ? [] : this.#timers), ...executor.actions.slice(from).flatMap(uncancelledTimers)];
    return { kind: 'waits', json: this.#answer(false, from) };
  }

  /** The fields of durable-functions' OrchestratorState. */
  #answer(isDone: boolean, actionsFrom: number): string {
    const { customStatus, taskOrchestratorExecutor: executor } = this.#df;
    const { actions, output, schemaVersion } = executor;
    const custom = isTruthy(customStatus) ? { customStatus } : {};
    return JSON.stringify({
      isDone,
      actionsFrom,
      actions: [actions.slice(actionsFrom)],
      output,
      schemaVersion,
      ...custom,
    });
  }

  /** In a replay, a task whose event was seen in an earlier turn is played, and so is what it settled. */
  #countAsPlayed(): void {
    for (const ended of this.#ended) {
      for (let task: SdkTask | undefined = ended; task !== undefined; task = task.parent) task.isPlayed = true;
    }
    this.#ended.clear();
  }

  #watchEnds(): void {
    const { taskOrchestratorExecutor: executor } = this.#df;
    const setTaskValue = executor.setTaskValue.bind(executor);
    executor.setTaskValue = (event, isSuccess, idKey) => {
      const key = event[idKey] ?? '';
      const task = executor.openTasks[key] ?? executor.openEvents[key]?.at(-1);
      if (task !== undefined && !event.IsPlayed) this.#ended.add(task);
      setTaskValue(event, isSuccess, idKey);
    };
  }
}

const isTruthy = (value: unknown): boolean => Boolean(value);

/** The timers among an action and those it is made of that may yet be cancelled. */
function uncancelledTimers(action: object): TimerAction[] {
  if ('compoundActions' in action && Array.isArray(action.compoundActions)) {
    return action.compoundActions.flatMap((child: unknown) => uncancelledTimers(Object(child) as object));
  }
  const isTimer = 'actionType' in action && action.actionType === ActionType.CreateTimer && 'isCanceled' in action;
  return isTimer && action.isCanceled === false ? [action as TimerAction] : [];
}

/** As durable-functions does with the whole payload of a turn (Utils.parseTimestampsAsDates). */
function timesAsDates(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if ('Timestamp' in value && typeof value.Timestamp === 'string') value.Timestamp = new Date(value.Timestamp);
  for (const inner of Object.values(value)) timesAsDates(inner);
}
