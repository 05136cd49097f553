import { ActionType, type Action } from './answer';
import { entityInstanceId, type Decision, type EntityMessage, type EntityName } from './decision';
import type { DecisionBook } from './decision-book';
import { requestIdOf } from './entity-message';
import type { EventWaits } from './event-waits';
import { httpActivityName, pollAfter } from './http-call';
import { withRetry } from './retry';
import { Task } from './task';
import type { TimerTasks } from './timer-tasks';

type ActionOf<T extends Action['actionType']> = Extract<Action, { readonly actionType: T }>;
type ChildAction = ActionOf<typeof ActionType.CallSubOrchestrator | typeof ActionType.CallSubOrchestratorWithRetry>;

export type IssuerParts = {
  readonly book: DecisionBook;
  readonly timers: TimerTasks;
  readonly waits: EventWaits;
  /** The time of the turn that is being replayed. */
  readonly now: () => number;
  readonly executionId: () => string;
};

/** Turns an orchestrator's actions into decisions and tasks. */
export class ActionIssuer {
  readonly #parts: IssuerParts;
  readonly #entityCalls = new Map<number, Task>();
  /** Calls that are open, by what they ask for, with the position of the action that made them. */
  readonly #openCalls = new Map<string, number>();
  readonly #repeatedIds: number[] = [];
  #position = 0;
  #heldLock: { readonly requestId: string; readonly lockSet: readonly EntityName[] } | undefined;
  #continueAsNew: { readonly input: unknown } | undefined;

  constructor(parts: IssuerParts) {
    this.#parts = parts;
  }

  get continueAsNew(): { readonly input: unknown } | undefined {
    return this.#continueAsNew;
  }

  /**
   * Ids of calls that were made while the very same call of an earlier action was open. Mostly that is one call, passed to a
   * second `Task.any`: durable-functions lists it again, but does not number it again.
   */
  get repeatedIds(): readonly number[] {
    return this.#repeatedIds;
  }

  /** Entities have been asked, and their replies are not waited for as events yet. */
  get awaitsReplies(): boolean {
    return this.#entityCalls.size > 0;
  }

  /** `position` is that of the action among those of the orchestrator's top level. */
  issue(action: Action, position: number): Task {
    this.#position = position;
    switch (action.actionType) {
      case ActionType.CallActivity:
        return this.#activity(action.functionName, action.input);
      case ActionType.CallActivityWithRetry:
        return this.#retried(action.retryOptions, () => this.#activity(action.functionName, action.input));
      case ActionType.CallSubOrchestrator:
        return this.#child(action);
      case ActionType.CallSubOrchestratorWithRetry:
        return this.#retried(action.retryOptions, () => this.#child(action));
      case ActionType.CreateTimer: {
        const timer = { fireAtMs: Date.parse(action.fireAt), isCanceled: action.isCanceled, position };
        return this.#parts.timers.ofAction(timer, this.#parts.now);
      }
      case ActionType.WaitForExternalEvent:
        return this.#waitFor(action.externalEventName);
      case ActionType.ContinueAsNew:
        this.#continueAsNew = { input: action.input };
        return Task.settled();
      case ActionType.WhenAny:
        return Task.any(action.compoundActions.map((child) => this.issue(child, position)));
      case ActionType.WhenAll:
        return Task.all(action.compoundActions.map((child) => this.issue(child, position)));
      case ActionType.SignalEntity:
        this.#send(action.instanceId, {
          kind: 'signal',
          operation: action.operation,
          input: jsonText(action.input),
        });
        return Task.settled();
      case ActionType.CallEntity:
        return this.#ask(action.instanceId, {
          kind: 'call',
          operation: action.operation,
          input: jsonText(action.input),
        });
      case ActionType.LockEntities:
        return this.#lock(action);
      case ActionType.ReleaseEntities:
        this.#release();
        return Task.settled();
      case ActionType.CallHttp:
        return this.#callHttp(action.httpRequest);
    }
  }

  /** The reply to an entity call or lock comes as an event named by the request's id, which the recorded message holds. */
  expectReply(eventId: number, messageText: string | null): void {
    const task = this.#entityCalls.get(eventId);
    const requestId = requestIdOf(messageText);
    if (task === undefined || requestId === undefined) return;
    this.#entityCalls.delete(eventId);
    this.#parts.waits.wait(requestId, task);
  }

  #activity(name: string, input: unknown): Task {
    const text = jsonText(input);
    return this.#call(`activity ${name} ${text}`, (id) => ({ kind: 'activity', id, name, input: text }));
  }

  #child(action: ChildAction): Task {
    const decide = (id: number): Decision => ({
      kind: 'subOrchestration',
      id,
      name: action.functionName,
      instanceId: isBlank(action.instanceId) ? `${this.#parts.executionId()}:${id}` : action.instanceId,
      version: action.version ?? null,
      input: jsonText(action.input),
    });
    return this.#call(`child ${action.functionName} ${action.instanceId ?? ''} ${jsonText(action.input)}`, decide);
  }

  #call(what: string, decide: (id: number) => Decision): Task {
    const { id, task } = this.#parts.book.open(decide);
    const position = this.#position;
    if ((this.#openCalls.get(what) ?? position) < position) this.#repeatedIds.push(id);
    this.#openCalls.set(what, position);
    task.whenSettled(() => void this.#openCalls.delete(what));
    return task;
  }

  #retried(options: ActionOf<typeof ActionType.CallActivityWithRetry>['retryOptions'], attempt: () => Task): Task {
    return withRetry(options, { now: this.#parts.now, attempt, timer: (atMs) => this.#parts.timers.plain(atMs).task });
  }

  #waitFor(name: string): Task {
    const task = new Task();
    this.#parts.waits.wait(name, task);
    return task;
  }

  #send(target: string, message: EntityMessage): number {
    return this.#parts.book.decide((id) => ({ kind: 'entityMessage', id, target, message }));
  }

  #ask(target: string, message: EntityMessage): Task {
    const task = new Task();
    this.#entityCalls.set(this.#send(target, message), task);
    return task;
  }

  /** The entities of a set are locked one after the other; the request goes from each to the next. */
  #lock({ lockRequestId: requestId, lockSet }: ActionOf<typeof ActionType.LockEntities>): Task {
    const [first] = lockSet;
    if (first === undefined) return Task.settled();
    this.#heldLock = { requestId, lockSet };
    return this.#ask(entityInstanceId(first), { kind: 'lock', requestId, lockSet });
  }

  #release(): void {
    const lock = this.#heldLock;
    this.#heldLock = undefined;
    if (lock === undefined) return;
    for (const entity of lock.lockSet) {
      this.#send(entityInstanceId(entity), { kind: 'release', requestId: lock.requestId });
    }
  }

  #callHttp(request: ActionOf<typeof ActionType.CallHttp>['httpRequest']): Task {
    const whole = new Task();
    const send = (input: unknown): void => {
      this.#activity(httpActivityName, input).whenSettled((end) => {
        const poll = end.kind === 'done' ? pollAfter(request, end.result) : undefined;
        if (poll === undefined) whole.settle(end);
        else this.#parts.timers.plain(this.#parts.now() + poll.delayMs).task.whenSettled(() => send(poll.request));
      });
    };
    send(request);
    return whole;
  }
}

/** The JSON text of a value that went through JSON before; undefined and null have none. */
const jsonText = (value: unknown): string | null =>
  value === undefined || value === null ? null : JSON.stringify(value);

const isBlank = (text: string | null | undefined): text is null | undefined | '' =>
  text === null || text === undefined || text.trim() === '';
