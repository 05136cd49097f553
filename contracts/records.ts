import { z } from 'zod';
import { batchId, migrationId } from './ids';
import { acceptedRequest } from './requests';

/**
 * What was accepted under a migration's id. Written once, if nothing is there: that is what makes a repeated request start one run.
 */
export const migrationRecord = z.object({
  schema: z.literal(1),
  id: migrationId,
  request: acceptedRequest,
  /** The batch that starts it; null when the request itself did. */
  batchId: batchId.nullable(),
  createdAt: z.iso.datetime(),
});
export type MigrationRecord = z.infer<typeof migrationRecord>;
