import { ActionIssuer } from './action-issuer';
import { ActionType, type Action, type OrchestratorAnswer } from './answer';
import type { Decision } from './decision';
import { Contradiction, DecisionBook } from './decision-book';
import { EventWaits, type RaisedEvent } from './event-waits';
import { EventType, type HistoryEvent } from './history';
import type { Task } from './task';
import { TimerTasks } from './timer-tasks';

/** What a replay of the orchestrator's actions over the history tells. */
export type Replayed =
  | { readonly kind: 'broken'; readonly reason: string }
  | {
      readonly kind: 'sound';
      /** What the history does not hold yet, by id. */
      readonly decisions: readonly Decision[];
      /** Every action was reached and none is open: with an answer that is done, the orchestration ends. */
      readonly isQuiet: boolean;
      readonly continueAsNew: { readonly input: unknown } | undefined;
      /** Raised after continueAsNew was decided; the next generation gets them. */
      readonly carriedEvents: readonly RaisedEvent[];
      /** Raised and never waited for. */
      readonly unconsumedEvents: readonly RaisedEvent[];
      /** Cancelled timers that the orchestrator has left behind. */
      readonly abandonedTimerIds: readonly number[];
      readonly isSuspended: boolean;
      /** Names of functions that the orchestrator seems to call twice without meaning to. */
      readonly repeatedCalls: readonly string[];
    };

/**
 * Follows an orchestrator's actions through its history, as the extension's out-of-process shim does (schema V2 and later):
 * one action after the other, the next when the one before has settled, numbered as they are issued. So ids here and in
 * durable-functions are the same, those of retries and long timers included.
 */
export function replay(history: readonly HistoryEvent[], answer: OrchestratorAnswer): Replayed {
  return new Replay().follow(history, 0, answer);
}

/** Whether the orchestrator's code has come to its end. */
export const isOver = (answer: OrchestratorAnswer): boolean => answer.isDone || answer.error !== undefined;

/** A replay, which may go on where it was when more events and actions come. */
export class Replay {
  readonly #actions: Action[] = [];
  readonly #book = new DecisionBook();
  readonly #timers = new TimerTasks(this.#book);
  readonly #waits = new EventWaits();
  readonly #issuer = new ActionIssuer({
    book: this.#book,
    timers: this.#timers,
    waits: this.#waits,
    now: () => this.#nowMs,
    executionId: () => this.#executionId,
  });
  readonly #carried: RaisedEvent[] = [];
  #nowMs = 0;
  #executionId = '';
  #position = 0;
  #current: Task | undefined;
  #isStarted = false;
  #isSuspended = false;
  #heldEvents: HistoryEvent[] = [];

  /** Goes on with the answer's actions and the events of `history` behind the first `from`. After 'broken' it is of no use. */
  follow(history: readonly HistoryEvent[], from: number, answer: OrchestratorAnswer): Replayed {
    for (const actions of answer.actions) this.#actions.push(...actions);
    // An orchestration that ends lets go of its locks, whether its code did so or not.
    if (isOver(answer)) this.#actions.push({ actionType: ActionType.ReleaseEntities });
    try {
      for (let index = from; index < history.length; index += 1) {
        const event = history[index];
        if (event !== undefined) this.#process(event);
      }
      return this.#outcome();
    } catch (thrown) {
      if (thrown instanceof Contradiction) return { kind: 'broken', reason: thrown.message };
      throw thrown;
    }
  }

  get actionCount(): number {
    return this.#actions.length;
  }

  /**
   * Every action is issued, and the last one is waited for: no later action could have been issued before now, so going on from
   * here is the same as replaying everything with more actions.
   */
  get isAtRest(): boolean {
    const isLastIssued = this.#position === this.#actions.length;
    return this.#isStarted && !this.#isSuspended && isLastIssued && !this.#isFree();
  }

  /** Nothing but the end of this task is waited for. */
  waitsOnlyFor(taskId: number): boolean {
    return this.#book.isOnlyOpen(taskId) && !this.#waits.isAnyWaitedFor && !this.#issuer.awaitsReplies;
  }

  #process(event: HistoryEvent): void {
    if (event.EventType === EventType.OrchestratorStarted) {
      // As in durable-functions, time does not go back, whatever the machine's clock does.
      this.#nowMs = Math.max(this.#nowMs, Date.parse(event.Timestamp));
    } else if (this.#isSuspended && event.EventType !== EventType.ExecutionResumed) {
      this.#heldEvents.push(event);
    } else {
      this.#apply(event);
      this.#advance();
    }
  }

  #outcome(): Replayed {
    const isAtEnd = this.#position >= this.#actions.length && this.#isFree();
    return {
      kind: 'sound',
      decisions: this.#isSuspended ? [] : this.#book.unrecorded(),
      isQuiet: !this.#isSuspended && this.#isStarted && isAtEnd && !this.#book.hasOpenTasks,
      continueAsNew: this.#issuer.continueAsNew,
      carriedEvents: this.#carried,
      unconsumedEvents: this.#waits.unconsumed(),
      abandonedTimerIds: this.#timers.abandoned(isAtEnd ? Infinity : this.#position - 1),
      isSuspended: this.#isSuspended,
      repeatedCalls: this.#repeatedCalls(),
    };
  }

  #repeatedCalls(): string[] {
    const repeated = new Set(this.#issuer.repeatedIds);
    return this.#book
      .unrecorded()
      .flatMap((decision) => ('name' in decision && repeated.has(decision.id) ? [decision.name] : []));
  }

  #apply(event: HistoryEvent): void {
    switch (event.EventType) {
      case EventType.ExecutionStarted:
        this.#executionId = event.OrchestrationInstance.ExecutionId;
        this.#isStarted = true;
        break;
      case EventType.TaskScheduled:
        this.#confirm(event.EventId, 'activity', event.Name);
        break;
      case EventType.SubOrchestrationInstanceCreated:
        this.#confirm(event.EventId, 'subOrchestration', event.Name);
        break;
      case EventType.TimerCreated:
        this.#confirm(event.EventId, 'timer', undefined);
        break;
      case EventType.EventSent:
        this.#confirm(event.EventId, 'entityMessage', undefined);
        this.#issuer.expectReply(event.EventId, event.Input);
        break;
      case EventType.TaskCompleted:
      case EventType.SubOrchestrationInstanceCompleted:
        this.#book.close(event.TaskScheduledId)?.settle({ kind: 'done', result: event.Result });
        break;
      case EventType.TaskFailed:
      case EventType.SubOrchestrationInstanceFailed:
        this.#book.close(event.TaskScheduledId)?.settle({ kind: 'failed', event });
        break;
      case EventType.TimerFired:
        this.#timers.fire(event.TimerId);
        break;
      case EventType.EventRaised:
        if (this.#issuer.continueAsNew === undefined) this.#waits.raise(event);
        else this.#carried.push(event);
        break;
      case EventType.ExecutionSuspended:
        this.#isSuspended = true;
        break;
      case EventType.ExecutionResumed:
        this.#resume();
        break;
      case EventType.OrchestratorStarted:
      case EventType.OrchestratorCompleted:
      case EventType.ExecutionCompleted:
      case EventType.ExecutionTerminated:
        break;
    }
  }

  #resume(): void {
    this.#isSuspended = false;
    const held = this.#heldEvents;
    this.#heldEvents = [];
    for (const event of held) this.#process(event);
  }

  /** Nothing is waited for just now. */
  #isFree(): boolean {
    return this.#current?.isSettled ?? true;
  }

  #advance(): void {
    while (this.#isStarted && !this.#isSuspended && this.#isFree() && this.#issueNext());
  }

  /** Issues the next action; false when there is none. */
  #issueNext(): boolean {
    const action = this.#actions[this.#position];
    if (action === undefined) return false;
    this.#position += 1;
    this.#current = this.#issuer.issue(action, this.#position - 1);
    return true;
  }

  #confirm(id: number, kind: Decision['kind'], name: string | undefined): void {
    // The SDK has listed the action, so for it those before have settled: its order holds.
    while (!this.#book.has(id) && this.#issueNext());
    this.#book.confirm(id, kind, name);
  }
}
