import { z } from 'zod';
import { diskId, hostId } from '../../../contracts/ids';

const time = z.iso.datetime();

/**
 * A move by the hypervisor. Noted before it is started, so that it is looked for, and not started twice, by whoever comes after a worker or
 * an agent that died.
 */
export const moveNote = z.object({
  how: z.enum(['live', 'whole', 'storage']),
  peerHost: hostId.nullable(),
  /** `<folder>/<vmId>`, where its files go; null where they stay. */
  home: z.string().nullable(),
  switchName: z.string().nullable(),
  startedAt: time,
  /** Migration jobs of the VM that Hyper-V had before. */
  jobsBefore: z.array(z.string()),
  jobId: z.string().nullable(),
  /** What goes over, as far as it is known: for the progress, which Hyper-V tells in percent. */
  sizeBytes: z.int().nonnegative(),
  /** Where the VM was. */
  from: z.object({
    home: z.string(),
    switchName: z.string().nullable(),
    files: z.array(z.string()),
    disks: z.array(z.object({ diskId, path: z.string() })),
  }),
  /** How it ended well. */
  done: z.object({ endedAt: time, changes: z.array(z.string()) }).nullable(),
});
export type MoveNote = z.infer<typeof moveNote>;
