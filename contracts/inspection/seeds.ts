import { z } from 'zod';
import { diskId } from '../ids';

/** A seed that a request names, as its host finds it. */
export const seedInspection = z.discriminatedUnion('usable', [
  z.object({ diskId, path: z.string(), usable: z.literal(true), virtualSizeBytes: z.int().nonnegative() }),
  /** `code` is that of the failure to open it. */
  z.object({ diskId, path: z.string(), usable: z.literal(false), code: z.string(), message: z.string() }),
]);
export type SeedInspection = z.infer<typeof seedInspection>;
