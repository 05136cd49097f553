import { z } from 'zod';
import { hostId } from '../../../../contracts/ids';
import { incompatibility, path } from './import';
import { ofVm } from './vm';

const count = z.int().nonnegative();
const jobId = z.string().min(1).max(256);

/** A migration job of the VM, in Hyper-V's own words and numbers (Msvm_MigrationJob). */
const moveJob = z.object({
  id: jobId,
  type: count,
  state: count,
  percent: count,
  isCancellable: z.boolean(),
  errorCode: count,
  description: z.string(),
  errors: z.array(z.object({ id: z.string(), text: z.string() })),
});
export type MoveJob = z.infer<typeof moveJob>;

/** Where the moves of a VM stand on a host. `statuses`: of the VM and of one that is planned under its id. */
export const lookedAtMove = z.object({
  statuses: z.array(z.int()),
  isPlanned: z.boolean(),
  jobs: z.array(moveJob),
});
export type LookedAtMove = z.infer<typeof lookedAtMove>;

const starting = ofVm.extend({
  /** Migration jobs of the VM that were there before: none of them is this move's. */
  JobsBefore: z.array(jobId).max(1000),
});
export const startStorageArguments = starting.extend({ Folder: path });
export const startLiveArguments = starting.extend({ DestinationHost: hostId });
export const startWholeArguments = startLiveArguments.extend({ Folder: path, SwitchName: z.string().max(256) });

/** `refused`: the other host cannot take the VM, and why. `not-seen`: nothing failed, and no job came in two minutes. */
export const begunMove = z.object({
  begun: z.enum(['job', 'ended', 'not-seen', 'refused']),
  jobId: jobId.nullable(),
  incompatibilities: z.array(incompatibility),
});

export const stopArguments = ofVm.extend({ JobId: jobId });
/** Whether the job could still be asked. */
export const stoppedMove = z.object({ asked: z.boolean() });
