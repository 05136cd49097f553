import { z } from 'zod';

/** What the cases run with on a real host; handed to them by the environment. */
export const realHostSettings = z.strictObject({
  /** The folder of this session: everything that is made lies below it. */
  folder: z.string().min(1),
  switchName: z.string().nullable(),
  /** An image with a guest whose integration services answer. Without one the VMs hold an empty disk, and nobody answers. */
  diskPath: z.string().nullable(),
  generation: z.enum(['1', '2']),
  memoryBytes: z.int().positive(),
});
export type RealHostSettings = z.infer<typeof realHostSettings>;

/** The environment variable that carries the settings, as JSON. */
export const settingsVariable = 'HYPERFERRY_CONFORMANCE_HOST';

/** What every name begins with that a session gives to a folder or a VM. */
export const sessionPrefix = 'hyperferry-conformance-';

/** Of a disk that a session makes itself. */
export const emptyDiskBytes = 64 * 1024 ** 2;
