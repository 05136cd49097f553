import { z } from 'zod';
import { failure } from '../failure';
import { operationId, runId } from '../ids';
import { operationKinds } from './registry';
import { bytes } from './shapes';

/** The body of `PUT /v1/operations/{operationId}`. `input` is checked against the kind's own schema. */
export const operationRequest = z.object({
  contract: z.literal(1),
  runId,
  /** Grows with each attempt at a phase of the run. The agent refuses one older than it has seen. */
  epoch: z.int().positive(),
  kind: z.enum(operationKinds),
  input: z.unknown(),
});
export type OperationRequest = z.infer<typeof operationRequest>;

export const operationProgress = z.object({
  bytesDone: bytes,
  bytesTotal: bytes,
  bytesPerSecond: z.number().nonnegative(),
  /** Durable at the destination, and the digest up to there, for the ledger. */
  watermarkBytes: bytes.optional(),
  digestSoFar: z.string().optional(),
  resentBytes: bytes.optional(),
  waitingFor: z.string().nullable(),
  /** When the access to the staging container ends that the agent has, in milliseconds since 1970. */
  accessEndsAtMs: z.int().positive().optional(),
});
export type OperationProgress = z.infer<typeof operationProgress>;

/** What the agent answers to a start, a look and a cancel. */
export const operationView = z.intersection(
  z.object({
    operationId,
    runId,
    epoch: z.int(),
    kind: z.enum(operationKinds),
    /** When the agent last saw this operation move, in its own clock; the deadline of the app is on silence. */
    movedAt: z.iso.datetime(),
    progress: operationProgress.nullable(),
  }),
  z.discriminatedUnion('state', [
    z.object({ state: z.literal('running') }),
    z.object({ state: z.literal('succeeded'), output: z.unknown() }),
    z.object({ state: z.literal('failed'), failure }),
    z.object({ state: z.literal('canceled') }),
  ]),
);
export type OperationView = z.infer<typeof operationView>;
