import { z } from 'zod';
import { vmId } from '../../../../contracts/ids';
import { nativeError } from '../worker/native-error';

const bytes = z.int().nonnegative();

/** A file of a chain as `Get-VHD` tells it. */
const image = z.object({
  path: z.string(),
  format: z.string(),
  kind: z.string(),
  virtualSizeBytes: bytes,
  fileSizeBytes: bytes,
});

const disk = z.object({
  controller: z.string(),
  number: z.int().nonnegative(),
  location: z.int().nonnegative(),
  path: z.string(),
  /** Base first; empty where `error` says why they cannot be told. */
  images: z.array(image),
  error: nativeError.nullable(),
});

const checkpoint = z.object({ id: z.guid(), name: z.string(), type: z.string(), parentId: z.string() });

/** A VM as scripts/handlers/vms.ps1 tells it, in Hyper-V's own words. */
export const vmValue = z.object({
  id: vmId,
  name: z.string(),
  state: z.string(),
  generation: z.int(),
  version: z.string(),
  processorCount: z.int(),
  memoryStartupBytes: bytes,
  memoryAssignedBytes: bytes,
  switchName: z.string().nullable(),
  configurationPath: z.string(),
  runtimeStatePath: z.string(),
  runtimeStateBytes: bytes,
  notes: z.string(),
  heartbeat: z.string(),
  operationalStatus: z.array(z.int()),
  disks: z.array(disk),
  checkpoints: z.array(checkpoint),
});
export type VmValue = z.infer<typeof vmValue>;

export const ofVm = z.object({ VmId: vmId });
export const vmsArguments = z.object({ VmId: vmId.optional() }).transform(({ VmId }) => ({ VmId: VmId ?? '' }));
export const vmsValue = z.object({ vms: z.array(vmValue) });

const notes = z.string().max(65_536);
export const notesArguments = ofVm.extend({ Expected: notes, Notes: notes });
export const notesValue = z.object({ notes: z.string() });

export const checkpointName = z.string().regex(/^hyperferry [A-Za-z0-9_-]{1,70}(?: \d{1,6})?$/);
export const checkpointArguments = ofVm.extend({ Name: checkpointName });
