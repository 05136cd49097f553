import { activityEvent, type Ahead, type EndedActivity } from './activity';
import { aheadOf, offerOf, type Offer } from './ahead';
import { answerOf, type OrchestratorAnswer } from './answer';
import { applyTurn } from './apply';
import { Attempts } from './attempts';
import type { Clock } from './clock';
import type { Committer } from './commit';
import { conclude, end, failedReason, type Conclusion } from './conclude';
import { entityTurn } from './entity-runner';
import { isEntityId, readEntityState } from './entity-state';
import { missingFunction } from './failure';
import { FollowedReplays } from './followed-replays';
import type { HistoryEvent } from './history';
import type { Work } from './instances';
import type { Invoker } from './invoker';
import { isTerminal, type ActivityRow, type InstanceRow, type Store, type StoreTx } from './store';
import { gather, turnOf, type Gathered } from './turn';
import { versionMismatch, type VersionRules } from './versions';

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
  readonly versions: VersionRules;
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
  readonly #attempts: Attempts;
  readonly #replays = new FollowedReplays();
  /** Instances whose turn is under way. */
  readonly #busy = new Set<string>();
  /**
   * Ends of activities that the next turn of their instance will write together with what follows from them: one wait for the
   * disk instead of two. Should the process die before, the activity runs again.
   */
  readonly #ended = new Map<string, EndedActivity[]>();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#attempts = new Attempts(parts.triesMax);
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
    this.#busy.add(instanceId);
    try {
      return isEntityId(instanceId) ? await this.#runEntity(instanceId) : await this.#runOrchestration(instanceId);
    } finally {
      this.#busy.delete(instanceId);
    }
  }

  /** Runs an activity and reports its end to its orchestration. A result that somebody else has reported is dropped. */
  async runActivity(id: number): Promise<WorkEnd> {
    const activity = this.#parts.store.read((tx) => tx.activity(id));
    if (activity === undefined) return 'done';
    const { instanceId, name, input } = activity;
    const key = `activity:${id}`;
    const isAlone = this.#attempts.isSuspect(key);
    const offer = isAlone ? undefined : this.#offer(activity);
    const ended = await this.#parts.invoker.invoke(
      { kind: 'activity', functionName: name, instanceId, input, next: offer?.next },
      { isAlone },
    );
    if (ended.kind === 'stopped') return 'done';
    if (ended.kind === 'lost' && !this.#attempts.isPoison(key)) return 'again';
    const verdict = (reason: string): string => this.#attempts.verdict(reason);
    const turn = ended.kind === 'returned' ? ended.ahead : undefined;
    const event = activityEvent(activity, ended, turn?.atMs ?? this.#parts.clock.now(), verdict);
    this.#attempts.forget(key);
    const ahead = turn === undefined || offer === undefined ? undefined : { ...turn, ...offer };
    this.#ended.set(instanceId, [...(this.#ended.get(instanceId) ?? []), { activity, event, ahead }]);
    // A turn under way does not see it any more, and may take long.
    if (this.#busy.has(instanceId)) await this.#saveEnded(instanceId);
    this.#parts.onWork([{ kind: 'instance', instanceId }]);
    return 'done';
  }

  /** What the worker may go on with when this activity returns. */
  #offer(activity: ActivityRow): Offer | undefined {
    const { instanceId } = activity;
    const isTaken = this.#busy.has(instanceId) || this.#ended.has(instanceId);
    if (isTaken || this.#attempts.isSuspect(turnKey(instanceId))) return undefined;
    return this.#parts.store.read((tx) => offerOf(tx, activity, this.#replays));
  }

  /** Makes the ends of activities durable that no turn has taken yet; for the end of the process. */
  async save(): Promise<void> {
    await Promise.all([...this.#ended.keys()].map((instanceId) => this.#saveEnded(instanceId)));
  }

  async #saveEnded(instanceId: string): Promise<void> {
    const ended = this.#ended.get(instanceId) ?? [];
    this.#ended.delete(instanceId);
    if (ended.length === 0) return;
    await this.#parts.committer.commit((tx) => {
      for (const { activity, event } of ended) {
        if (tx.deleteActivity(activity.id)) tx.post({ instanceId, executionId: activity.executionId, event });
      }
    });
  }

  async #runOrchestration(instanceId: string): Promise<WorkEnd> {
    const nowMs = this.#parts.clock.now();
    const ended = this.#ended.get(instanceId) ?? [];
    const state = this.#parts.store.read((tx) => this.#load(tx, instanceId, ended, nowMs));
    if (state === undefined) return this.#discard(instanceId, undefined);
    const { row, gathered, ahead } = state;
    if (!gathered.hasNews) return this.#discard(instanceId, gathered);
    // What ends from here on is for the next turn.
    if (!row.isTurnDue) this.#ended.delete(instanceId);
    const conclusion = await this.#play(row, gathered, ahead);
    if (typeof conclusion === 'string') {
      if (!row.isTurnDue) this.#ended.set(instanceId, [...ended, ...(this.#ended.get(instanceId) ?? [])]);
      await this.#saveEnded(instanceId);
      return conclusion === 'again' ? 'again' : 'done';
    }
    for (const warning of conclusion.warnings) this.#parts.log(warning);
    const work = await this.#parts.committer.commit((tx) =>
      applyTurn(tx, row, gathered, conclusion, {
        invoker: this.#parts.invoker,
        newId: this.#parts.newId,
        nowMs: this.#parts.clock.now(),
      }),
    );
    this.#attempts.forget(turnKey(instanceId));
    // From here on this turn sees nothing more and holds nobody up.
    this.#busy.delete(instanceId);
    this.#parts.onWork(work);
    return 'done';
  }

  #load(tx: StoreTx, instanceId: string, ended: readonly EndedActivity[], nowMs: number): Loaded | undefined {
    const row = tx.instance(instanceId);
    if (row === undefined) return undefined;
    // A new generation is played once before anything else reaches it.
    if (row.isTurnDue) {
      return { row, gathered: gather(row, tx.history(instanceId), nothingNew, nowMs), ahead: undefined };
    }
    const history = isTerminal(row.status) ? [] : tx.history(instanceId);
    const inbox = tx.inbox(instanceId, turnMessagesMax);
    const news = {
      inbox,
      isWholeInbox: inbox.length < turnMessagesMax,
      // One that is gone from the store was completed by another run of it.
      ended: ended.filter(({ activity }) => tx.activity(activity.id) !== undefined),
      dueTimers: tx.dueTimers(instanceId, nowMs),
    };
    const ahead = aheadOf(row, history, news);
    return { row, gathered: gather(row, history, news, ahead?.atMs ?? nowMs), ahead };
  }

  /** Drops what came for an execution that is over. */
  async #discard(instanceId: string, gathered: Gathered | undefined): Promise<WorkEnd> {
    const ended = this.#ended.get(instanceId) ?? [];
    this.#ended.delete(instanceId);
    const messageIds = gathered?.usedMessageIds ?? [];
    const timerIds = gathered?.firedTimerIds ?? [];
    if (messageIds.length + timerIds.length + ended.length === 0) return 'done';
    await this.#parts.committer.commit((tx) => {
      tx.deleteMessages(instanceId, messageIds);
      for (const timerId of timerIds) tx.deleteTimer(instanceId, timerId);
      for (const { activity } of ended) tx.deleteActivity(activity.id);
    });
    return 'done';
  }

  async #play(row: InstanceRow, gathered: Gathered, ahead: Ahead | undefined): Promise<Conclusion | 'again' | 'held'> {
    const { history, termination } = gathered;
    const nowMs = this.#parts.clock.now();
    const fail = (message: string): Conclusion =>
      end(history, 'Failed', failedReason(row.name, message), '', { nowMs });
    // Not played: an orchestration that cannot run any more must still be able to be ended.
    if (termination !== undefined) return end(history, 'Terminated', termination.Input, '', { nowMs });
    const missing = missingFunction(this.#parts.invoker, row.name, 'orchestrator');
    if (missing !== undefined) return row.eventCount === 0 ? fail(missing) : this.#hold(row, missing);
    const mismatch = versionMismatch(row.version, this.#parts.versions);
    if (mismatch?.kind === 'reject') return this.#hold(row, mismatch.reason);
    if (mismatch?.kind === 'fail') return end(history, 'Failed', mismatch.reason, '', { nowMs });
    const key = turnKey(row.instanceId);
    const turn = turnOf(row, history, this.#replays.knownActions(row, history));
    const played = ahead?.knownActions === turn.knownActions ? ahead : undefined;
    const ended = await this.#parts.invoker.invoke(
      { kind: 'orchestrator', functionName: row.name, turn, ahead: played },
      { isAlone: this.#attempts.isSuspect(key) },
    );
    switch (ended.kind) {
      case 'stopped':
        return 'held';
      case 'lost':
        return this.#attempts.isPoison(key) ? fail(this.#attempts.verdict(ended.reason)) : 'again';
      case 'threw':
      case 'returned': {
        const read = answerOf(ended);
        return read.kind === 'unreadable' ? fail(read.reason) : this.#conclude(row, history, read.answer);
      }
    }
  }

  #conclude(row: InstanceRow, history: readonly HistoryEvent[], answer: OrchestratorAnswer): Conclusion {
    const options = {
      name: row.name,
      nowMs: this.#parts.clock.now(),
      newId: this.#parts.newId,
      unconsumedEvents: this.#parts.unconsumedEvents,
      defaultVersion: this.#parts.versions.version,
    };
    return conclude(history, answer, options, this.#replays.follow(row, history, answer));
  }

  /** An instance that this app cannot run waits: the app may come back with its function, or in its version. */
  #hold(row: InstanceRow, reason: string): 'held' {
    this.#parts.log(`Instance '${row.instanceId}' waits: ${reason}`);
    return 'held';
  }

  async #runEntity(instanceId: string): Promise<WorkEnd> {
    const { store, clock, newId, invoker } = this.#parts;
    const row = store.read((tx) => tx.instance(instanceId));
    if (row === undefined) return 'done';
    // Behind a lock the holder's messages may be anywhere in the inbox.
    const limit = readEntityState(row).lockedBy === null ? turnMessagesMax : Number.MAX_SAFE_INTEGER;
    const inbox = store.read((tx) => tx.inbox(instanceId, limit));
    const key = turnKey(instanceId);
    const isAlone = this.#attempts.isSuspect(key);
    const turn = await entityTurn(
      row,
      inbox,
      { invoker, newId, now: () => clock.now() },
      async (functionName, batch) => {
        const ended = await invoker.invoke({ kind: 'entity', functionName, batch }, { isAlone });
        if (ended.kind !== 'lost' || !this.#attempts.isPoison(key)) return ended;
        return { kind: 'threw', name: 'Error', message: this.#attempts.verdict(ended.reason), stack: '' };
      },
    );
    if (turn === undefined || turn === 'again') return turn ?? 'done';
    const work = await this.#parts.committer.commit(turn);
    this.#attempts.forget(key);
    this.#parts.onWork(work);
    return 'done';
  }
}

type Loaded = { readonly row: InstanceRow; readonly gathered: Gathered; readonly ahead: Ahead | undefined };

const turnKey = (instanceId: string): string => `turn:${instanceId}`;
const nothingNew = { inbox: [], isWholeInbox: false, ended: [], dueTimers: [] };
