import { z } from 'zod';
import { vmDisksMax } from '../../../../contracts/limits';
import { told } from './inspection';
import { checkpointName, ofVm, vmValue } from './vm';

/** More VM checkpoints and reference points than a VM can have. */
const knownMax = 1024;
const instanceId = z.string().min(1).max(400);
const trackingId = z.string().min(1).max(200);

const referencePoint = z.object({
  id: instanceId,
  /** Disks that it is of, by their places, as far as they can be told. */
  disks: z.array(
    z.object({ controller: z.string(), number: z.int().nonnegative(), location: z.int().nonnegative(), trackingId }),
  ),
});
export type ReferencePointValue = z.infer<typeof referencePoint>;

/** Whether the host has reference points at all, and those of the VM. */
export const referencePointsValue = z.object({ tracking: z.boolean(), points: z.array(referencePoint) });

export const recoveryArguments = ofVm.extend({
  Name: checkpointName,
  /** VM checkpoints that were there before it was first asked for. */
  Before: z.array(z.guid()).max(knownMax),
});
export const recoveryValue = z.object({ checkpointId: z.guid(), vm: vmValue });

export const ofCheckpoint = ofVm.extend({ CheckpointId: z.guid() });
export const convertArguments = ofCheckpoint.extend({ Before: z.array(instanceId).max(knownMax) });
/** `points`: those that were not there before. */
export const convertedValue = z.object({ points: z.array(referencePoint), vm: vmValue });

export const removePointsArguments = ofVm.extend({ PointIds: z.array(instanceId).max(knownMax) });

export const changesArguments = ofVm.extend({
  Paths: z.array(z.string().min(1).max(32_767)).min(1).max(vmDisksMax),
  TrackingIds: z.array(trackingId).min(1).max(vmDisksMax),
});

const rangesText = z
  .string()
  .regex(/^(?:\d{1,16}\+\d{1,16}(?:,\d{1,16}\+\d{1,16})*)?$/)
  .transform((text) => (text === '' ? [] : text.split(',').map(rangeOf)));

function rangeOf(text: string): readonly [offsetBytes: number, lengthBytes: number] {
  const at = text.indexOf('+');
  return [Number(text.slice(0, at)), Number(text.slice(at + 1))];
}

/** What changed of each disk, as offset and length in bytes; in the order of the arguments. */
export const changesValue = z.object({ changes: z.array(told(rangesText)) });
