import { z } from 'zod';
import { failure } from './failure';
import { batchId, migrationId } from './ids';
import { batchMigrationsMax } from './limits';
import { runStates } from './migration';
import { acceptedRequest, migrationRequest } from './requests';

/** The body of `POST /api/batches`, and the document in Blob Storage that the timer reads. */
export const batchRequest = z.strictObject({
  id: batchId.optional(),
  /** When the first migrations may start. In the past: at the next tick of the timer. */
  startAt: z.iso.datetime({ offset: true }),
  /** How many of the batch's migrations run at once. */
  maxConcurrent: z.int().min(1).max(50).default(2),
  migrations: z.array(migrationRequest).min(1).max(batchMigrationsMax),
});
export type BatchRequest = z.infer<typeof batchRequest>;

export const batchStates = ['scheduled', 'running', 'ended'] as const;

/** The document: a batch whose migrations have ids. */
export const batchDocument = z.object({
  schema: z.literal(1),
  id: batchId,
  startAt: z.iso.datetime({ offset: true }),
  maxConcurrent: z.int().min(1),
  createdAt: z.iso.datetime(),
  migrations: z.array(acceptedRequest).min(1),
});
export type BatchDocument = z.infer<typeof batchDocument>;

export const batchMember = z.object({ id: migrationId, state: z.enum(runStates), failure: failure.nullable() });

/** The body of `GET /api/batches/{id}`. */
export const batchStatus = z.object({
  id: batchId,
  state: z.enum(batchStates),
  startAt: z.string(),
  maxConcurrent: z.int(),
  createdAt: z.string(),
  counts: z.record(z.enum(runStates), z.int().nonnegative()),
  migrations: z.array(batchMember),
  links: z.object({ self: z.string() }),
});
export type BatchStatus = z.infer<typeof batchStatus>;
