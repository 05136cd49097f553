import { answerInError, orchestratorAnswer, type OrchestratorAnswer } from './answer';
import { jsonTextOf } from '../core/typed-data';
import { applyTurn } from './apply';
import type { Clock } from './clock';
import type { Committer } from './commit';
import { conclude, end, failedReason, type Conclusion } from './conclude';
import { entityTurn } from './entity-runner';
import { isEntityId, readEntityState } from './entity-state';
import { activityFailure, missingFunction, plainFailure } from './failure';
import { EventType, isoTime, type HistoryEvent } from './history';
import type { Work } from './instances';
import type { InvocationEnd, Invoker } from './invoker';
import { isTerminal, type ActivityRow, type InstanceRow, type Store, type StoreTx } from './store';
import { gather, turnOf, type Gathered } from './turn';

/** A turn takes at most this many messages; the rest waits for the next. */
const turnMessagesMax = 500;

export type EngineParts = {
  readonly store: Store;
  readonly committer: Committer;
  readonly clock: Clock;
  readonly invoker: Invoker;
  /** Fresh GUIDs. */
  readonly newId: () => string;
  /** What becomes of events that a generation received and never waited for, at continueAsNew. Azure loses them. */
  readonly unconsumedEvents: 'keep' | 'lose';
  /** How often an invocation may take its worker down before it fails for good. */
  readonly triesMax: number;
  /** Told after each commit what there is to do. */
  readonly onWork: (work: readonly Work[]) => void;
  readonly log: (line: string) => void;
};

/** How a piece of work ended: done, or to be done again because the worker was lost. */
export type WorkEnd = 'done' | 'again';

/** The durable engine: carries out turns of orchestrations and activities, each with one transaction at its end. */
export class Engine {
  readonly #parts: EngineParts;
  readonly #tries = new Map<string, number>();

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Everything that waits to be done according to the store; asked once, at start. */
  openWork(): Work[] {
    return this.#parts.store.read((tx) => {
      const nextMs = tx.nextTimerMs(-1);
      return [
        ...tx.instancesWithWork().map((instanceId): Work => ({ kind: 'instance', instanceId })),
        ...tx.openActivityIds().map((id): Work => ({ kind: 'activity', id })),
        ...(nextMs === undefined ? [] : [{ kind: 'timer', atMs: nextMs } satisfies Work]),
      ];
    });
  }

  /** Instances whose timers are due now, and when the next one will be. */
  dueTimers(): Work[] {
    const nowMs = this.#parts.clock.now();
    return this.#parts.store.read((tx) => {
      const due = tx.instancesDue(nowMs).map((instanceId): Work => ({ kind: 'instance', instanceId }));
      // Timers that are due are still there until their turns are done.
      const nextMs = tx.nextTimerMs(nowMs);
      return nextMs === undefined ? due : [...due, { kind: 'timer', atMs: nextMs }];
    });
  }

  /** One turn of an instance, if anything happened for it. Only one may run at a time for an instance. */
  async runTurn(instanceId: string): Promise<WorkEnd> {
    const nowMs = this.#parts.clock.now();
    if (isEntityId(instanceId)) return this.#runEntity(instanceId);
    const state = this.#parts.store.read((tx) => this.#load(tx, instanceId, nowMs));
    if (state === undefined) return 'done';
    const { row, gathered } = state;
    if (!gathered.hasNews) return this.#discard(instanceId, gathered);
    const conclusion = await this.#play(row, gathered);
    if (conclusion === 'again') return 'again';
    if (conclusion === 'held') return 'done';
    const work = await this.#parts.committer.commit((tx) =>
      applyTurn(tx, row, gathered, conclusion, {
        invoker: this.#parts.invoker,
        newId: this.#parts.newId,
        nowMs: this.#parts.clock.now(),
      }),
    );
    this.#tries.delete(turnKey(instanceId));
    this.#parts.onWork(work);
    return 'done';
  }

  /** Runs an activity and reports its end to its orchestration. A result that somebody else has reported is dropped. */
  async runActivity(id: number): Promise<WorkEnd> {
    const activity = this.#parts.store.read((tx) => tx.activity(id));
    if (activity === undefined) return 'done';
    const key = `activity:${id}`;
    const ended = await this.#parts.invoker.invoke(
      { kind: 'activity', functionName: activity.name, instanceId: activity.instanceId, input: activity.input },
      { isAlone: this.#isSuspect(key) },
    );
    if (ended.kind === 'stopped') return 'done';
    if (ended.kind === 'lost' && !this.#isPoison(key)) return 'again';
    const event = activityEvent(activity, ended, this.#parts);
    const { instanceId, executionId } = activity;
    const isReported = await this.#parts.committer.commit((tx) => {
      if (!tx.deleteActivity(id)) return false;
      tx.post({ instanceId, executionId, event });
      return true;
    });
    this.#tries.delete(key);
    if (isReported) this.#parts.onWork([{ kind: 'instance', instanceId }]);
    return 'done';
  }

  async #runEntity(instanceId: string): Promise<WorkEnd> {
    const { store, clock, newId, invoker } = this.#parts;
    const row = store.read((tx) => tx.instance(instanceId));
    if (row === undefined) return 'done';
    // Behind a lock the holder's messages may be anywhere in the inbox.
    const limit = readEntityState(row).lockedBy === null ? turnMessagesMax : Number.MAX_SAFE_INTEGER;
    const inbox = store.read((tx) => tx.inbox(instanceId, limit));
    const key = turnKey(instanceId);
    const turn = await entityTurn(
      row,
      inbox,
      { invoker, newId, now: () => clock.now() },
      async (functionName, batch) => {
        const ended = await invoker.invoke({ kind: 'entity', functionName, batch }, { isAlone: this.#isSuspect(key) });
        if (ended.kind !== 'lost' || !this.#isPoison(key)) return ended;
        const message = `it took its worker down ${this.#parts.triesMax} times: ${ended.reason}`;
        return { kind: 'threw', name: 'Error', message, stack: '' };
      },
    );
    if (turn === undefined || turn === 'again') return turn ?? 'done';
    const work = await this.#parts.committer.commit(turn);
    this.#tries.delete(key);
    this.#parts.onWork(work);
    return 'done';
  }

  #load(tx: StoreTx, instanceId: string, nowMs: number): { row: InstanceRow; gathered: Gathered } | undefined {
    const row = tx.instance(instanceId);
    const inbox = tx.inbox(instanceId, turnMessagesMax);
    if (row === undefined) return undefined;
    // A new generation is played once before anything else reaches it.
    const [messages, timers] = row.isTurnDue ? [[], []] : [inbox, tx.dueTimers(instanceId, nowMs)];
    const history = isTerminal(row.status) ? [] : tx.history(instanceId);
    return { row, gathered: gather(row, history, messages, timers, nowMs) };
  }

  async #discard(instanceId: string, gathered: Gathered): Promise<WorkEnd> {
    if (gathered.usedMessageIds.length === 0 && gathered.firedTimerIds.length === 0) return 'done';
    await this.#parts.committer.commit((tx) => {
      tx.deleteMessages(instanceId, gathered.usedMessageIds);
      for (const timerId of gathered.firedTimerIds) tx.deleteTimer(instanceId, timerId);
    });
    return 'done';
  }

  async #play(row: InstanceRow, gathered: Gathered): Promise<Conclusion | 'again' | 'held'> {
    const { history, termination } = gathered;
    const fail = (message: string): Conclusion =>
      end(history, 'Failed', failedReason(row.name, message), '', { nowMs: this.#parts.clock.now() });
    if (termination !== undefined) {
      // Not played: an orchestration that cannot run any more must still be able to be ended.
      return end(history, 'Terminated', termination.Input, '', { nowMs: this.#parts.clock.now() });
    }
    const missing = missingFunction(this.#parts.invoker, row.name, 'orchestrator');
    if (missing !== undefined) return row.eventCount === 0 ? fail(missing) : this.#hold(row, missing);
    const key = turnKey(row.instanceId);
    const ended = await this.#parts.invoker.invoke(
      { kind: 'orchestrator', functionName: row.name, turn: turnOf(row, history) },
      { isAlone: this.#isSuspect(key) },
    );
    switch (ended.kind) {
      case 'stopped':
        return 'held';
      case 'lost':
        return this.#isPoison(key)
          ? fail(`it took its worker down ${this.#parts.triesMax} times: ${ended.reason}`)
          : 'again';
      case 'threw':
      case 'returned': {
        const answer = answerOf(ended);
        return answer.kind === 'unreadable' ? fail(answer.reason) : this.#conclude(row, history, answer.answer);
      }
    }
  }

  #conclude(row: InstanceRow, history: readonly HistoryEvent[], answer: OrchestratorAnswer): Conclusion {
    return conclude(history, answer, {
      name: row.name,
      nowMs: this.#parts.clock.now(),
      newId: this.#parts.newId,
      unconsumedEvents: this.#parts.unconsumedEvents,
    });
  }

  /** An orchestration that has begun and whose function is gone waits: the app may come back with it. */
  #hold(row: InstanceRow, missing: string): 'held' {
    this.#parts.log(`Instance '${row.instanceId}' waits: ${missing}`);
    return 'held';
  }

  #isSuspect(key: string): boolean {
    return (this.#tries.get(key) ?? 0) > 1;
  }

  /** Counts a lost worker against an invocation; true when it was the last one allowed. */
  #isPoison(key: string): boolean {
    const tries = (this.#tries.get(key) ?? 0) + 1;
    this.#tries.set(key, tries);
    return tries >= this.#parts.triesMax;
  }
}

const turnKey = (instanceId: string): string => `turn:${instanceId}`;

type ReadAnswer =
  | { readonly kind: 'answer'; readonly answer: OrchestratorAnswer }
  | { readonly kind: 'unreadable'; readonly reason: string };

function answerOf(ended: Extract<InvocationEnd, { kind: 'returned' | 'threw' }>): ReadAnswer {
  if (ended.kind === 'threw') {
    const answer = answerInError(ended.message);
    return answer === undefined ? { kind: 'unreadable', reason: ended.message } : { kind: 'answer', answer };
  }
  const text = ended.value !== null && 'json' in ended.value ? ended.value.json : 'null';
  const parsed = orchestratorAnswer.safeParse(JSON.parse(text));
  if (parsed.success) return { kind: 'answer', answer: parsed.data };
  const issue = parsed.error.issues[0];
  return {
    kind: 'unreadable',
    reason: `its answer cannot be read: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  };
}

function activityEvent(
  activity: ActivityRow,
  ended: Exclude<InvocationEnd, { kind: 'stopped' }>,
  parts: EngineParts,
): HistoryEvent {
  const stamp = { TaskScheduledId: activity.taskId, EventId: -1, Timestamp: isoTime(parts.clock.now()) };
  switch (ended.kind) {
    case 'returned':
      return { EventType: EventType.TaskCompleted, Result: jsonTextOf(ended.value), ...stamp };
    case 'threw':
      return { EventType: EventType.TaskFailed, ...activityFailure(activity.name, ended), ...stamp };
    case 'lost': {
      const reason = `Activity function '${activity.name}' failed:  it took its worker down ${parts.triesMax} times`;
      return { EventType: EventType.TaskFailed, ...plainFailure(reason, ended.reason), ...stamp };
    }
  }
}
