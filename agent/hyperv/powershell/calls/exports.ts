import { z } from 'zod';
import { exportParts } from '../../../../contracts/operations/exports';
import { nativeError } from '../worker/native-error';
import { folderArguments } from './import';
import { ofVm } from './vm';

export const beginExportArguments = folderArguments.extend({
  Part: z.enum(exportParts),
  /** With part `vm-checkpoint`: its id; empty otherwise. */
  CheckpointId: z.union([z.literal(''), z.guid().toLowerCase()]),
});

/** The job that writes it; null where it is written already, or where there is none. */
const jobId = z.union([z.guid(), z.literal('').transform(() => null)]);
export const jobIdValue = z.object({ jobId });
export const exportJobArguments = ofVm;

export const jobArguments = z.object({ JobId: z.guid() });
/** `gone`: Hyper-V does not list it any more, which says nothing of how it ended. */
export const jobValue = z.object({
  state: z.enum(['running', 'done', 'failed', 'canceled', 'gone']),
  percent: z.int().nonnegative(),
  error: nativeError.nullable(),
});
export type JobValue = z.infer<typeof jobValue>;
