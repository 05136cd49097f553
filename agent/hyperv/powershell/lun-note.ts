import { z } from 'zod';

/**
 * What a run does with a LUN on this host. Each stage is noted before what it names is begun.
 * `promised`: nothing was done to it. `taking`: the destination mounts it. `taken`: the destination writes on it that it has it.
 * `giving`: whoever has it gives it up. `given`: it is offline at the source.
 */
export const lunNote = z.object({
  name: z.string().min(1).max(100),
  /** Where its volume is mounted at both hosts. */
  mountPath: z.string().min(1),
  /** The folder of the VM on it. */
  home: z.string().min(1),
  stage: z.enum(['promised', 'taking', 'taken', 'giving', 'given']),
  /** How the disk was marked before the run touched it; it is left so where it is given back. */
  wasReadOnly: z.boolean(),
});
export type LunNote = z.infer<typeof lunNote>;
