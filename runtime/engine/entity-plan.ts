import { entityInstanceId } from './decision';
import { parseRequest, type EntityRequest } from './entity-message';
import type { EntityState } from './entity-state';
import { EventType } from './history';
import type { Message } from './store';

/** What an entity does next with its inbox: a batch of operations, or one step of locking. */
export type EntityPlan = {
  /** Operations to run together, in order. */
  readonly operations: readonly EntityRequest[];
  readonly usedMessageIds: readonly number[];
  readonly lock: LockStep | undefined;
};

export type LockStep =
  /** The lock is taken by `parent`; the request goes on to `forwardTo`, or is granted when that is undefined. */
  | { readonly kind: 'take'; readonly request: EntityRequest; readonly forwardTo: string | undefined }
  | { readonly kind: 'release' };

/** Operations of one invocation at most. */
const batchMax = 100;

/**
 * Plans an entity's turn. While an orchestration holds the lock only its messages are taken, in order; the others wait in the
 * inbox and keep their order.
 */
export function planEntity(state: EntityState, inbox: readonly Message[]): EntityPlan {
  const operations: EntityRequest[] = [];
  const usedMessageIds: number[] = [];
  for (const message of inbox) {
    const { event } = message;
    const request = event.EventType === EventType.EventRaised ? parseRequest(event.Input) : undefined;
    const isRelease = event.EventType === EventType.EventRaised && event.Name === 'release';
    if (request === undefined) {
      usedMessageIds.push(message.id);
      continue;
    }
    if (state.lockedBy !== null && request.parent !== state.lockedBy) continue;
    const isLock = request.lockset !== null && request.lockset !== undefined;
    if (isRelease || isLock) {
      // Locking is a turn of its own, after the operations before it.
      if (operations.length > 0) break;
      const lock = isRelease ? ({ kind: 'release' } as const) : lockStep(request);
      return { operations: [], usedMessageIds: [...usedMessageIds, message.id], lock };
    }
    operations.push(request);
    usedMessageIds.push(message.id);
    if (operations.length >= batchMax) break;
  }
  return { operations, usedMessageIds, lock: undefined };
}

function lockStep(request: EntityRequest): LockStep {
  const next = request.lockset?.[(request.pos ?? 0) + 1];
  return { kind: 'take', request, forwardTo: next === undefined ? undefined : entityInstanceId(next) };
}
