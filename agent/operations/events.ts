import { z } from 'zod';
import { failure } from '../../contracts/failure';
import { operationId, runId, vmId } from '../../contracts/ids';
import { operationKinds, operationProgress } from '../../contracts/operations';

const atMs = z.int().nonnegative();

/** How an operation ended. */
export const operationEnd = z.discriminatedUnion('state', [
  z.object({ state: z.literal('succeeded'), output: z.unknown() }),
  z.object({ state: z.literal('failed'), failure }),
  z.object({ state: z.literal('canceled') }),
]);
export type OperationEnd = z.infer<typeof operationEnd>;

/**
 * The records of the store's log. Fields are only ever added, as optional ones, so that an older log stays readable.
 * `run` stands in for operations that were pruned: the epoch of a run, and the VMs that it fenced here, are kept for ever.
 */
export const storeEvent = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('accepted'),
    atMs,
    operationId,
    runId,
    epoch: z.int().positive(),
    kind: z.enum(operationKinds),
    input: z.unknown(),
  }),
  z.object({ event: z.literal('cancel-asked'), atMs, operationId }),
  z.object({
    event: z.literal('ended'),
    atMs,
    operationId,
    end: operationEnd,
    progress: operationProgress.nullable(),
  }),
  z.object({ event: z.literal('run'), runId, epoch: z.int().positive(), fenced: z.array(vmId) }),
]);
export type StoreEvent = z.infer<typeof storeEvent>;
