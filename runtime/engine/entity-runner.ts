import { z } from 'zod';
import { jsonTextOf } from '../core/typed-data';
import { entityInstanceId, entityOfInstanceId } from './decision';
import { forwardedLockText, lockGrantedText, responseText, signalText, type EntityRequest } from './entity-message';
import { planEntity, type EntityPlan, type LockStep } from './entity-plan';
import { ensureEntity, putEntity, readEntityState, type EntityState } from './entity-state';
import { missingFunction } from './failure';
import { EventType, isoTime, type HistoryEvent } from './history';
import type { Work } from './instances';
import type { InvocationEnd, Invoker } from './invoker';
import type { InstanceRow, Message, StoreTx } from './store';

/** What durable-functions answers to a batch (lib/src/entities/EntityState). */
const entityAnswer = z.object({
  entityExists: z.boolean(),
  entityState: z.string().nullish(),
  results: z.array(z.object({ isError: z.boolean(), result: z.string().nullish() })),
  signals: z.array(
    z.object({ target: z.object({ name: z.string(), key: z.string() }), name: z.string(), input: z.string() }),
  ),
});
type EntityAnswer = z.infer<typeof entityAnswer>;

export type EntityParts = {
  readonly invoker: Invoker;
  readonly newId: () => string;
  readonly now: () => number;
};

/** What an entity's turn leads to, to be written in one transaction. */
export type EntityTurn = (tx: StoreTx) => Work[];

/** Runs an entity's next batch or lock step; undefined when nothing in the inbox can be taken now. */
export async function entityTurn(
  row: InstanceRow,
  inbox: readonly Message[],
  parts: EntityParts,
  invoke: (functionName: string, batch: EntityBatchOf) => Promise<InvocationEnd>,
): Promise<EntityTurn | 'again' | undefined> {
  const state = readEntityState(row);
  const plan = planEntity(state, inbox);
  if (plan.usedMessageIds.length === 0) return undefined;
  if (plan.lock !== undefined) return lockTurn(row, state, plan, plan.lock, parts);
  const outcome = await run(row, state, plan, parts, invoke);
  return outcome === 'again' ? 'again' : batchTurn(row, state, plan, outcome, parts);
}

type EntityBatchOf = {
  readonly name: string;
  readonly key: string;
  readonly exists: boolean;
  readonly state: string | null;
  readonly operations: readonly { id: string; name: string; input: string | null; isSignal: boolean }[];
};

async function run(
  row: InstanceRow,
  state: EntityState,
  plan: EntityPlan,
  parts: EntityParts,
  invoke: (functionName: string, batch: EntityBatchOf) => Promise<InvocationEnd>,
): Promise<EntityAnswer | { readonly failure: string } | 'again'> {
  const entity = entityOfInstanceId(row.instanceId);
  if (entity === undefined) return { failure: `'${row.instanceId}' is no entity` };
  const missing = missingFunction(parts.invoker, entity.name, 'entity');
  if (missing !== undefined) return { failure: missing };
  const ended = await invoke(entity.name, {
    ...entity,
    exists: state.exists,
    state: state.state,
    operations: plan.operations.map((request) => ({
      id: request.id,
      name: request.op ?? '',
      input: request.input ?? null,
      isSignal: request.signal === true,
    })),
  });
  if (ended.kind === 'threw') return { failure: ended.message };
  if (ended.kind !== 'returned') return 'again';
  const text = jsonTextOf(ended.value);
  const answer = entityAnswer.safeParse(text === null ? null : JSON.parse(text));
  return answer.success ? answer.data : { failure: `the entity's answer cannot be read: ${answer.error.message}` };
}

function batchTurn(
  row: InstanceRow,
  state: EntityState,
  plan: EntityPlan,
  outcome: EntityAnswer | { readonly failure: string },
  parts: EntityParts,
): EntityTurn {
  return (tx) => {
    const nowMs = parts.now();
    const post = poster(tx, parts, nowMs);
    tx.deleteMessages(row.instanceId, plan.usedMessageIds);
    for (const [index, request] of plan.operations.entries()) {
      if (request.signal === true) continue;
      if ('failure' in outcome) {
        post.reply(request, responseText(JSON.stringify(outcome.failure), 'Error'));
        continue;
      }
      const result = outcome.results[index];
      post.reply(request, responseText(result?.result ?? null, result?.isError === true ? 'Error' : undefined));
    }
    if (!('failure' in outcome)) {
      for (const signal of outcome.signals) {
        const input = signal.input === '' ? null : signal.input;
        post.toEntity(entityInstanceId(signal.target), signalText(signal.name, input, parts.newId(), row.instanceId));
      }
    }
    const next =
      'failure' in outcome
        ? state
        : {
            ...state,
            exists: outcome.entityExists,
            state: outcome.entityExists ? (outcome.entityState ?? null) : null,
          };
    putEntity(tx, row, next, parts.newId, nowMs);
    return [...post.work, { kind: 'instance', instanceId: row.instanceId }];
  };
}

function lockTurn(
  row: InstanceRow,
  state: EntityState,
  plan: EntityPlan,
  step: LockStep,
  parts: EntityParts,
): EntityTurn {
  return (tx) => {
    const nowMs = parts.now();
    const post = poster(tx, parts, nowMs);
    tx.deleteMessages(row.instanceId, plan.usedMessageIds);
    if (step.kind === 'take') {
      const { request, forwardTo } = step;
      if (forwardTo === undefined) post.reply(request, lockGrantedText());
      else post.toEntity(forwardTo, forwardedLockText(request));
    }
    const lockedBy = step.kind === 'take' ? (step.request.parent ?? null) : null;
    putEntity(tx, row, { ...state, lockedBy }, parts.newId, nowMs);
    return [...post.work, { kind: 'instance', instanceId: row.instanceId }];
  };
}

/** The event by which a message reaches an entity, or a reply its orchestration. */
export const messageEvent = (name: string, input: string, nowMs: number): HistoryEvent => ({
  EventType: EventType.EventRaised,
  Name: name,
  Input: input,
  ParentTraceContext: null,
  EventId: -1,
  Timestamp: isoTime(nowMs),
});

function poster(tx: StoreTx, parts: EntityParts, nowMs: number) {
  const work: Work[] = [];
  return {
    work,
    reply(request: EntityRequest, text: string): void {
      if (request.parent === null || request.parent === undefined) return;
      const executionId = request.parentExecution ?? null;
      tx.post({ instanceId: request.parent, executionId, event: messageEvent(request.id, text, nowMs) });
      work.push({ kind: 'instance', instanceId: request.parent });
    },
    toEntity(instanceId: string, text: string): void {
      ensureEntity(tx, instanceId, parts.newId, nowMs);
      tx.post({ instanceId, executionId: null, event: messageEvent('op', text, nowMs) });
      work.push({ kind: 'instance', instanceId });
    },
  };
}
