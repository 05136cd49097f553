import type { Conclusion } from './conclude';
import type { Decision } from './decision';
import { messageEvent } from './entity-runner';
import { ensureEntity } from './entity-state';
import { missingFunction, plainFailure } from './failure';
import { EventType, isoTime, type HistoryEvent } from './history';
import { httpActivityName } from './http-call';
import { beginInstance, executionStarted, reportToParent, type Work } from './instances';
import type { Invoker } from './invoker';
import type { InstanceRow, NewMessage, StoreTx } from './store';
import type { Gathered } from './turn';

export type ApplyParts = {
  readonly invoker: Invoker;
  readonly newId: () => string;
  readonly nowMs: number;
};

/** Writes a turn and all that follows from it; to be called inside the transaction of the episode. Returns the work it makes. */
export function applyTurn(
  tx: StoreTx,
  row: InstanceRow,
  gathered: Gathered,
  conclusion: Conclusion,
  parts: ApplyParts,
): Work[] {
  const write = new TurnWriter(tx, row, parts);
  tx.deleteMessages(row.instanceId, gathered.usedMessageIds);
  for (const id of gathered.endedActivityIds) tx.deleteActivity(id);
  for (const timerId of [...gathered.firedTimerIds, ...conclusion.abandonedTimerIds]) {
    tx.deleteTimer(row.instanceId, timerId);
  }
  for (const decision of conclusion.decisions) write.decision(decision, conclusion.history);
  write.conclusion(conclusion, gathered);
  return write.work();
}

class TurnWriter {
  readonly #tx: StoreTx;
  readonly #row: InstanceRow;
  readonly #parts: ApplyParts;
  readonly #work: Work[] = [];

  constructor(tx: StoreTx, row: InstanceRow, parts: ApplyParts) {
    this.#tx = tx;
    this.#row = row;
    this.#parts = parts;
  }

  work(): Work[] {
    return this.#work;
  }

  decision(decision: Decision, history: readonly HistoryEvent[]): void {
    const { instanceId, executionId } = this.#row;
    switch (decision.kind) {
      case 'activity': {
        this.#activity(decision);
        return;
      }
      case 'subOrchestration': {
        this.#child(decision);
        return;
      }
      case 'timer':
        this.#tx.addTimer({ instanceId, executionId, timerId: decision.id, dueAtMs: decision.fireAtMs });
        this.#work.push({ kind: 'timer', atMs: decision.fireAtMs });
        return;
      case 'entityMessage':
        this.#entityMessage(decision.id, history);
        return;
    }
  }

  conclusion(conclusion: Conclusion, { history: { length: playedCount }, mayHaveMore }: Gathered): void {
    const { next } = conclusion;
    const customStatus = conclusion.customStatus ?? this.#row.customStatus;
    const common = { customStatus, updatedAtMs: this.#parts.nowMs, isTurnDue: false };
    if (next.kind === 'continuesAsNew') {
      this.#newGeneration(next, customStatus);
      return;
    }
    this.#appendHistory(conclusion.history);
    const counts = { eventCount: conclusion.history.length, playedCount };
    if (next.kind === 'waits') {
      this.#tx.putInstance({ ...this.#row, ...common, ...counts, status: next.isSuspended ? 'Suspended' : 'Running' });
      // Whatever came during the turn has said so itself.
      if (mayHaveMore) this.#again();
      return;
    }
    this.#tx.deleteTimers(this.#row.instanceId);
    this.#tx.putInstance({ ...this.#row, ...common, ...counts, status: next.status, output: next.result });
    if (this.#row.parent !== null) this.#post(reportToParent(this.#row.parent, next, this.#parts.nowMs));
    this.#again();
  }

  /** The next generation begins inside the same turn, so its first turn has no OrchestratorStarted of its own. */
  #newGeneration(next: Extract<Conclusion['next'], { kind: 'continuesAsNew' }>, customStatus: string | null): void {
    const { instanceId } = this.#row;
    const { nowMs } = this.#parts;
    const executionId = this.#parts.newId().replaceAll('-', '');
    const instance = { ...this.#row, executionId, input: next.input, nowMs };
    const events: HistoryEvent[] = [
      { EventType: EventType.OrchestratorStarted, EventId: -1, Timestamp: isoTime(nowMs) },
      executionStarted(instance),
      ...next.events,
      { EventType: EventType.OrchestratorCompleted, EventId: -1, Timestamp: isoTime(nowMs) },
    ];
    this.#tx.deleteTimers(instanceId);
    this.#tx.writeHistory(instanceId, 0, events);
    this.#tx.putInstance({
      ...this.#row,
      executionId,
      customStatus,
      input: next.input,
      status: 'Running',
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      eventCount: events.length,
      playedCount: 0,
      isTurnDue: true,
    });
    this.#again();
  }

  #appendHistory(history: readonly HistoryEvent[]): void {
    this.#tx.writeHistory(this.#row.instanceId, this.#row.eventCount, history);
  }

  #again(): void {
    this.#work.push({ kind: 'instance', instanceId: this.#row.instanceId });
  }

  #post(message: NewMessage): void {
    this.#tx.post(message);
    this.#work.push({ kind: 'instance', instanceId: message.instanceId });
  }

  #activity(decision: Extract<Decision, { kind: 'activity' }>): void {
    const { instanceId, executionId } = this.#row;
    const missing =
      decision.name === httpActivityName ? undefined : missingFunction(this.#parts.invoker, decision.name, 'activity');
    if (missing !== undefined) {
      this.#failTask(EventType.TaskFailed, decision.id, missing);
      return;
    }
    const { id: taskId, name, input } = decision;
    const id = this.#tx.addActivity({ instanceId, executionId, taskId, name, input });
    this.#work.push({ kind: 'activity', id });
  }

  #child(decision: Extract<Decision, { kind: 'subOrchestration' }>): void {
    const missing = missingFunction(this.#parts.invoker, decision.name, 'orchestrator');
    if (missing !== undefined) {
      this.#failTask(EventType.SubOrchestrationInstanceFailed, decision.id, missing);
      return;
    }
    const { instanceId, executionId, name, version } = this.#row;
    const inTheWay = beginInstance(this.#tx, {
      instanceId: decision.instanceId,
      executionId: this.#parts.newId().replaceAll('-', ''),
      name: decision.name,
      version: decision.version,
      input: decision.input,
      parent: {
        Name: name,
        OrchestrationInstance: { InstanceId: instanceId, ExecutionId: executionId },
        TaskScheduleId: decision.id,
        Version: version,
      },
      sourceInstanceId: null,
      nowMs: this.#parts.nowMs,
    });
    if (inTheWay === undefined) {
      this.#work.push({ kind: 'instance', instanceId: decision.instanceId });
      return;
    }
    const reason = `An orchestration with id '${decision.instanceId}' already exists. It is in state ${inTheWay}`;
    this.#failTask(EventType.SubOrchestrationInstanceFailed, decision.id, reason);
  }

  /** The entity gets what the history records as sent, so that request and reply have the same id. */
  #entityMessage(id: number, history: readonly HistoryEvent[]): void {
    const sent = history.findLast((event) => event.EventType === EventType.EventSent && event.EventId === id);
    if (sent?.EventType !== EventType.EventSent || sent.Input === null) return;
    ensureEntity(this.#tx, sent.InstanceId, this.#parts.newId, this.#parts.nowMs);
    const event = messageEvent(sent.Name, sent.Input, this.#parts.nowMs);
    this.#post({ instanceId: sent.InstanceId, executionId: null, event });
  }

  /** Fails a task that cannot be carried out: by a message to the orchestration itself, as a failed one would send it. */
  #failTask(
    type: typeof EventType.TaskFailed | typeof EventType.SubOrchestrationInstanceFailed,
    taskId: number,
    reason: string,
  ): void {
    const { instanceId, executionId } = this.#row;
    const stamp = { TaskScheduledId: taskId, EventId: -1, Timestamp: isoTime(this.#parts.nowMs) };
    this.#post({ instanceId, executionId, event: { EventType: type, ...plainFailure(reason, ''), ...stamp } });
  }
}
