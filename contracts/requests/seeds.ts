import { z } from 'zod';
import { diskId } from '../ids';

/**
 * A disk at the destination that may hold much of a disk of the VM already: a replica, a restored backup, what an earlier move left. It is read
 * and never written to; what is equal there does not travel.
 */
export const seed = z.strictObject({ diskId, path: z.string().min(1).max(1000) });
export type NamedSeed = z.infer<typeof seed>;

/** At most one for each disk. */
export const seeds = z
  .array(seed)
  .max(256)
  .refine(
    (all) => new Set(all.map((one) => one.diskId)).size === all.length,
    'a disk has one seed; name each disk once',
  );
