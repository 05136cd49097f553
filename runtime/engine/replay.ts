import { ActionType, type Action, type RetryOptions } from './answer';
import { decisionNames, entityInstanceId, type Decision, type EntityName } from './decision';
import { requestIdOf } from './entity-message';
import { EventType, type EventOf, type HistoryEvent } from './history';
import { httpActivityName, pollAfter } from './http-call';
import { Task, type FailedEvent } from './task';

/** Timers longer than this are made of several (azure.md 2.8: the Azure Storage provider's limits). */
export const shortTimerMsMax = 6 * 24 * 3_600_000;
export const longTimerIntervalMs = 3 * 24 * 3_600_000;

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
      readonly carriedEvents: readonly EventOf<typeof EventType.EventRaised>[];
      /** Raised and never waited for. */
      readonly unconsumedEvents: readonly EventOf<typeof EventType.EventRaised>[];
      /** Cancelled timers that the orchestrator has left behind. */
      readonly abandonedTimerIds: readonly number[];
      readonly isSuspended: boolean;
    };

/** Thrown inside a replay when history and actions contradict each other; never leaves this module. */
class Contradiction extends Error {}

/**
 * Follows an orchestrator's actions through its history, as the extension's out-of-process shim does (schema V2 and later):
 * one action after the other, the next when the one before has settled, numbered as they are issued. So ids here and in
 * durable-functions are the same, those of retries and long timers included.
 */
export function replay(
  history: readonly HistoryEvent[],
  actions: readonly Action[],
  extent: 'goesOn' | 'isDone',
): Replayed {
  // An orchestration that ends lets go of its locks, whether its code did so or not.
  const all: readonly Action[] =
    extent === 'isDone' ? [...actions, { actionType: ActionType.ReleaseEntities }] : actions;
  const run = new Replay(all);
  try {
    for (const event of history) run.process(event);
    return run.outcome();
  } catch (thrown) {
    if (thrown instanceof Contradiction) return { kind: 'broken', reason: thrown.message };
    throw thrown;
  }
}

class Replay {
  #nowMs = 0;
  #executionId = '';
  #idNext = 0;
  #position = 0;
  #current: Task | undefined;
  #isStarted = false;
  #isSuspended = false;
  #continueAsNew: { readonly input: unknown } | undefined;
  #heldEvents: HistoryEvent[] = [];
  #heldLock: { readonly requestId: string; readonly lockSet: readonly EntityName[] } | undefined;
  readonly #actions: readonly Action[];
  readonly #decisions = new Map<number, Decision>();
  readonly #open = new Map<number, Task>();
  readonly #cancelledTimers = new Map<number, { readonly position: number; readonly task: Task }>();
  readonly #entityCalls = new Map<number, Task>();
  readonly #waiting = new Map<string, Task[]>();
  readonly #buffered = new Map<string, EventOf<typeof EventType.EventRaised>[]>();
  readonly #carried: EventOf<typeof EventType.EventRaised>[] = [];

  constructor(actions: readonly Action[]) {
    this.#actions = actions;
  }

  process(event: HistoryEvent): void {
    if (event.EventType === EventType.OrchestratorStarted) {
      this.#nowMs = Date.parse(event.Timestamp);
      return;
    }
    if (this.#isSuspended && event.EventType !== EventType.ExecutionResumed) {
      this.#heldEvents.push(event);
      return;
    }
    this.#apply(event);
    this.#advance();
  }

  outcome(): Replayed {
    const isQuiet = !this.#isSuspended && this.#isStarted && this.#isAtEnd() && this.#open.size === 0;
    return {
      kind: 'sound',
      decisions: this.#isSuspended ? [] : [...this.#decisions.values()].sort((a, b) => a.id - b.id),
      isQuiet,
      continueAsNew: this.#continueAsNew,
      carriedEvents: this.#carried,
      unconsumedEvents: [...this.#buffered.values()].flat(),
      abandonedTimerIds: [...this.#cancelledTimers]
        .filter(([, timer]) => timer.position < this.#position || this.#isAtEnd())
        .map(([id]) => id),
      isSuspended: this.#isSuspended,
    };
  }

  #apply(event: HistoryEvent): void {
    switch (event.EventType) {
      case EventType.ExecutionStarted:
        this.#executionId = event.OrchestrationInstance.ExecutionId;
        this.#isStarted = true;
        return;
      case EventType.TaskScheduled: {
        this.#confirm(event.EventId, 'activity', 'an activity task', event.Name);
        return;
      }
      case EventType.SubOrchestrationInstanceCreated: {
        this.#confirm(event.EventId, 'subOrchestration', 'a sub-orchestration task', event.Name);
        return;
      }
      case EventType.TimerCreated: {
        this.#confirm(event.EventId, 'timer', 'a timer task', undefined);
        return;
      }
      case EventType.EventSent:
        this.#confirm(event.EventId, 'entityMessage', 'a send event task', undefined);
        this.#expectReply(event);
        return;
      case EventType.TaskCompleted:
      case EventType.SubOrchestrationInstanceCompleted:
        return this.#close(event.TaskScheduledId)?.settle({ kind: 'done', result: event.Result });
      case EventType.TaskFailed:
      case EventType.SubOrchestrationInstanceFailed:
        return this.#close(event.TaskScheduledId)?.settle({ kind: 'failed', event });
      case EventType.TimerFired: {
        this.#fire(event.TimerId);
        return;
      }
      case EventType.EventRaised: {
        this.#raise(event);
        return;
      }
      case EventType.ExecutionSuspended:
        this.#isSuspended = true;
        return;
      case EventType.ExecutionResumed: {
        this.#resume();
        return;
      }
      case EventType.OrchestratorStarted:
      case EventType.OrchestratorCompleted:
      case EventType.ExecutionCompleted:
      case EventType.ExecutionTerminated:
        return;
    }
  }

  #resume(): void {
    this.#isSuspended = false;
    const held = this.#heldEvents;
    this.#heldEvents = [];
    for (const event of held) this.process(event);
  }

  #isAtEnd(): boolean {
    return this.#position >= this.#actions.length && (this.#current?.isSettled ?? true);
  }

  #advance(): void {
    while (this.#isStarted && !this.#isSuspended && (this.#current?.isSettled ?? true)) {
      if (!this.#issueNext()) return;
    }
  }

  /** Issues the next action; false when there is none. */
  #issueNext(): boolean {
    const action = this.#actions[this.#position];
    if (action === undefined) return false;
    this.#current = this.#issue(action);
    this.#position += 1;
    return true;
  }

  #issue(action: Action): Task {
    switch (action.actionType) {
      case ActionType.CallActivity:
        return this.#activity(action.functionName, jsonText(action.input));
      case ActionType.CallActivityWithRetry:
        return this.#withRetry(action.retryOptions, () => this.#activity(action.functionName, jsonText(action.input)));
      case ActionType.CallSubOrchestrator:
        return this.#subOrchestration(action);
      case ActionType.CallSubOrchestratorWithRetry:
        return this.#withRetry(action.retryOptions, () => this.#subOrchestration(action));
      case ActionType.CreateTimer:
        return this.#timerAction(Date.parse(action.fireAt), action.isCanceled);
      case ActionType.WaitForExternalEvent:
        return this.#waitFor(action.externalEventName);
      case ActionType.ContinueAsNew:
        this.#continueAsNew = { input: action.input };
        return Task.settled();
      case ActionType.WhenAny:
        return Task.any(action.compoundActions.map((child) => this.#issue(child)));
      case ActionType.WhenAll:
        return Task.all(action.compoundActions.map((child) => this.#issue(child)));
      case ActionType.SignalEntity:
        this.#decide((id) => ({
          kind: 'entityMessage',
          id,
          target: action.instanceId,
          message: { kind: 'signal', operation: action.operation, input: jsonText(action.input) },
        }));
        return Task.settled();
      case ActionType.CallEntity:
        return this.#callEntity(action.instanceId, action.operation, jsonText(action.input));
      case ActionType.LockEntities:
        return this.#lock(action.lockRequestId, action.lockSet);
      case ActionType.ReleaseEntities:
        this.#release();
        return Task.settled();
      case ActionType.CallHttp:
        return this.#callHttp(action);
    }
  }

  #decide(make: (id: number) => Decision): number {
    const id = this.#idNext++;
    this.#decisions.set(id, make(id));
    return id;
  }

  #opened(id: number): Task {
    const task = new Task();
    this.#open.set(id, task);
    return task;
  }

  #close(id: number): Task | undefined {
    const task = this.#open.get(id);
    this.#open.delete(id);
    return task;
  }

  #activity(name: string, input: string | null): Task {
    return this.#opened(this.#decide((id) => ({ kind: 'activity', id, name, input })));
  }

  #subOrchestration(action: {
    readonly functionName: string;
    readonly instanceId?: string | null | undefined;
    readonly version?: string | null | undefined;
    readonly input?: unknown;
  }): Task {
    const decide = (id: number): Decision => ({
      kind: 'subOrchestration',
      id,
      name: action.functionName,
      instanceId: isBlank(action.instanceId) ? `${this.#executionId}:${id}` : action.instanceId,
      version: action.version ?? null,
      input: jsonText(action.input),
    });
    return this.#opened(this.#decide(decide));
  }

  #timer(fireAtMs: number): { readonly id: number; readonly task: Task } {
    const id = this.#decide((timerId) => ({ kind: 'timer', id: timerId, fireAtMs }));
    return { id, task: this.#opened(id) };
  }

  #timerAction(fireAtMs: number, isCanceled: boolean): Task {
    if (fireAtMs - this.#nowMs > shortTimerMsMax) return this.#longTimer(fireAtMs, isCanceled);
    const { id, task } = this.#timer(fireAtMs);
    if (isCanceled) this.#cancel(id, task);
    return task;
  }

  /** A cancelled timer keeps nothing open. Like the SDK's it settles only by firing, so an `any` around it waits for its other tasks. */
  #cancel(id: number, task: Task): void {
    this.#open.delete(id);
    this.#cancelledTimers.set(id, { position: this.#position, task });
  }

  #longTimer(fireAtMs: number, isCanceled: boolean): Task {
    const whole = new Task();
    const leg = (): void => {
      const remainingMs = fireAtMs - this.#nowMs;
      if (remainingMs <= 0) {
        whole.settle({ kind: 'done', result: null });
        return;
      }
      const { id, task } = this.#timer(this.#nowMs + Math.min(remainingMs, longTimerIntervalMs));
      task.whenSettled(leg);
      if (isCanceled) this.#cancel(id, task);
    };
    leg();
    return whole;
  }

  #fire(id: number): void {
    const cancelled = this.#cancelledTimers.get(id);
    this.#cancelledTimers.delete(id);
    (this.#close(id) ?? cancelled?.task)?.settle({ kind: 'done', result: null });
  }

  /** DurableTask.Core's RetryInterceptor: a timer follows every failure, the last one's fires at once. */
  #withRetry(options: RetryOptions, attempt: () => Task): Task {
    const whole = new Task();
    const firstAttemptMs = this.#nowMs;
    const run = (attemptIndex: number): void => {
      attempt().whenSettled((end) => {
        if (end.kind === 'done') {
          whole.settle(end);
          return;
        }
        if (end.event.FailureDetails?.IsNonRetriable === true) {
          whole.settle(end);
          return;
        }
        const isLast = attemptIndex + 1 >= options.maxNumberOfAttempts;
        if (!isLast) this.#checkRetryTimeout(options, firstAttemptMs, end.event);
        const delayMs = isLast ? 0 : retryDelayMs(options, attemptIndex);
        this.#timer(this.#nowMs + delayMs).task.whenSettled(() => {
          if (isLast) whole.settle(end);
          else run(attemptIndex + 1);
        });
      });
    };
    run(0);
    return whole;
  }

  #checkRetryTimeout(options: RetryOptions, firstAttemptMs: number, event: FailedEvent): void {
    const timeoutMs = options.retryTimeoutInMilliseconds;
    if (timeoutMs === undefined || this.#nowMs < firstAttemptMs + timeoutMs) return;
    // durable-functions knows no retry time-out and would wait for ever for the next attempt's timer (its issue 629).
    throw new Contradiction(`${event.Reason} (the retry time-out of ${timeoutMs} ms has passed)`);
  }

  #callEntity(target: string, operation: string, input: string | null): Task {
    const task = new Task();
    const id = this.#decide((callId) => ({
      kind: 'entityMessage',
      id: callId,
      target,
      message: { kind: 'call', operation, input },
    }));
    this.#entityCalls.set(id, task);
    return task;
  }

  #lock(requestId: string, lockSet: readonly EntityName[]): Task {
    const task = new Task();
    const [first] = lockSet;
    if (first === undefined) return Task.settled();
    const id = this.#decide((lockId) => ({
      kind: 'entityMessage',
      id: lockId,
      target: entityInstanceId(first),
      message: { kind: 'lock', requestId, lockSet },
    }));
    this.#entityCalls.set(id, task);
    this.#heldLock = { requestId, lockSet };
    return task;
  }

  #release(): void {
    const lock = this.#heldLock;
    this.#heldLock = undefined;
    for (const entity of lock?.lockSet ?? []) {
      this.#decide((id) => ({
        kind: 'entityMessage',
        id,
        target: entityInstanceId(entity),
        message: { kind: 'release', requestId: lock?.requestId ?? '' },
      }));
    }
  }

  /** The reply to an entity call or lock comes as an event named by the request's id, which the recorded message holds. */
  #expectReply(event: EventOf<typeof EventType.EventSent>): void {
    const task = this.#entityCalls.get(event.EventId);
    if (task === undefined) return;
    this.#entityCalls.delete(event.EventId);
    const requestId = requestIdOf(event.Input);
    if (requestId !== undefined) this.#wait(requestId, task);
  }

  #waitFor(name: string): Task {
    const task = new Task();
    this.#wait(name, task);
    return task;
  }

  #wait(name: string, task: Task): void {
    const buffered = this.#buffered.get(name);
    const early = buffered?.shift();
    if (buffered?.length === 0) this.#buffered.delete(name);
    if (early !== undefined) task.settle({ kind: 'done', result: early.Input });
    else this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), task]);
  }

  #raise(event: EventOf<typeof EventType.EventRaised>): void {
    if (this.#continueAsNew !== undefined) {
      this.#carried.push(event);
      return;
    }
    // Last come, first served, as in the extension and in durable-functions.
    const waiter = this.#waiting.get(event.Name)?.pop();
    if (waiter !== undefined) waiter.settle({ kind: 'done', result: event.Input });
    else this.#buffered.set(event.Name, [...(this.#buffered.get(event.Name) ?? []), event]);
  }

  #callHttp(action: Extract<Action, { actionType: typeof ActionType.CallHttp }>): Task {
    const whole = new Task();
    const request = (input: unknown): void => {
      this.#activity(httpActivityName, jsonText(input)).whenSettled((end) => {
        const next = end.kind === 'done' ? pollAfter(action.httpRequest, end.result) : undefined;
        if (next === undefined) {
          whole.settle(end);
          return;
        }
        this.#timer(this.#nowMs + next.delayMs).task.whenSettled(() => request(next.request));
      });
    };
    request(action.httpRequest);
    return whole;
  }

  #confirm(id: number, kind: Decision['kind'], noun: string, name: string | undefined): void {
    // The SDK has listed this action, so for it the ones before have settled: its order holds.
    while (!this.#decisions.has(id) && this.#issueNext());
    const decision = this.#decisions.get(id);
    const recorded = `A previous execution of this orchestration scheduled ${noun} with sequence ID ${id}${
      name === undefined ? '' : ` and name '${name}'`
    }, but the current replay execution`;
    const cause = 'Was a change made to the orchestrator code after this instance had already started running?';
    if (decision === undefined) throw new Contradiction(`${recorded} hasn't (yet?) scheduled this task. ${cause}`);
    if (decision.kind !== kind) {
      throw new Contradiction(`${recorded} instead produced a ${decisionNames[decision.kind]} with it. ${cause}`);
    }
    if (name !== undefined && 'name' in decision && decision.name.toLowerCase() !== name.toLowerCase()) {
      throw new Contradiction(`${recorded} instead scheduled a task named '${decision.name}' with it. ${cause}`);
    }
    this.#decisions.delete(id);
  }
}

/** The JSON text of a value that went through JSON before; undefined and null have none. */
function jsonText(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}

const isBlank = (text: string | null | undefined): text is null | undefined | '' =>
  text === null || text === undefined || text.trim() === '';

function retryDelayMs(options: RetryOptions, attemptIndex: number): number {
  const delayMs = options.firstRetryIntervalInMilliseconds * (options.backoffCoefficient ?? 1) ** attemptIndex;
  return Math.floor(Math.min(delayMs, options.maxRetryIntervalInMilliseconds ?? Infinity));
}
