import { z } from 'zod';
import type { FailureCode } from './failure-codes';

/** RFC 9457 problem document. `field`, `value` and `remedy` are extension members (section 3.2). */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().optional(),
  code: z.string(),
  field: z.string().optional(),
  value: z.string().optional(),
  remedy: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), value: z.string().optional(), detail: z.string() })).optional(),
});
export type Problem = z.infer<typeof problem> & { code: FailureCode };
