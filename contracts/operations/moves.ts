import { z } from 'zod';
import { hostId } from '../ids';
import { processorVector } from '../processor';
import { bytes, nothing, ofPlace, ofVm, type OperationDefinition } from './shapes';

/** What the destination host must be able to give a VM: told by the source host, checked by the destination. */
export const vmNeeds = z.object({
  vmName: z.string(),
  /** Whether it runs, or was saved: then its processor state must fit the destination's processors. */
  hasMemoryState: z.boolean(),
  memoryBytes: bytes,
  /** Bytes of all its files. */
  fileBytes: bytes,
  configurationVersion: z.string(),
  processorMaker: z.string(),
  /** Features that the guest may use; with compatibility mode the small set that every processor of the maker has. */
  processorFeatures: z.array(z.string()),
  /** The same as Hyper-V tells it; absent where it does not. */
  processorVectors: z.array(processorVector).optional(),
  switchName: z.string().nullable(),
  vlanId: z.int().min(1).max(4094).nullable(),
  /** The cluster whose role the VM is. */
  clusterName: z.string().nullable(),
  /** The shared volume or the LUN that holds all its files; null where they are on disks of the host's own. */
  storage: z
    .object({
      type: z.enum(['shared-volume', 'lun']),
      name: z.string(),
      /** In which the destination finds the VM. */
      folder: z.string(),
      /** Of a LUN: where its volume is mounted, if the destination has to mount it itself. */
      mountPath: z.string().optional(),
    })
    .nullable(),
});
export type VmNeeds = z.infer<typeof vmNeeds>;

/** How a move by the hypervisor ended well. */
const moved = z.object({
  endedAt: z.iso.datetime(),
  /** How long the VM stood still, as the hosts saw it. This and the next three are null where the hypervisor does not tell. */
  outageMs: z.int().nonnegative().nullable(),
  /** Memory that went over, pages that changed meanwhile counted again. */
  memorySentBytes: bytes.nullable(),
  /** Data of the disks that went over, and what the guest wrote to both sides meanwhile. */
  copiedBytes: bytes.nullable(),
  mirroredBytes: bytes.nullable(),
  changes: z.array(z.string()),
});

const byOtherHost = { peerHost: hostId };

/**
 * Moves that the hypervisor makes itself, or that hand over what both hosts can see. Each `move-*` starts a job of the hypervisor, looks at it
 * until it ends, and cancels it when the operation is canceled. It then looks at the VM itself: only a VM that is as it was before makes
 * an end `canceled`, or a failure with effect `none`.
 */
export const moveOperations = {
  /** What the VM needs of a destination. Reads only. */
  'describe-vm': { input: ofVm, output: vmNeeds, afterStart: 'allowed' },
  /** Checks that the destination host can take the VM, and promises it memory and, where there is a folder, room. */
  'admit-vm': {
    input: ofVm.extend({
      needs: vmNeeds,
      /** What the VM brings in: nothing but its memory (`shared`), all its files into a folder, or a LUN. */
      brings: z.discriminatedUnion('type', [
        z.object({ type: z.literal('memory') }),
        z.object({ type: z.literal('files'), folder: z.string(), switchName: z.string().nullable() }),
        z.object({ type: z.literal('lun'), name: z.string(), switchName: z.string().nullable().optional() }),
      ]),
    }),
    output: nothing,
    afterStart: 'allowed',
  },
  /** Takes the promise back and removes what a failed move of this run left: planned VM, copied files. Refuses where the VM is. */
  'withdraw-vm': { input: ofVm, output: nothing, afterStart: 'refused' },
  /** Where the VM is, and whether below `folder`: what this host itself knows of it. Reads only. */
  'locate-vm': {
    input: ofVm.extend({ folder: z.string().nullable() }),
    output: z.object({
      registered: z.boolean(),
      state: z.enum(['off', 'running', 'saved', 'absent']),
      /** A job of the hypervisor still moves it. */
      moving: z.boolean(),
      /** Whether its files are below the folder that the question names. */
      inFolder: z.boolean(),
    }),
    afterStart: 'allowed',
  },
  /** Live migration: the VM runs on at the other host; its files stay where both hosts reach them. */
  'move-live': { input: ofVm.extend(byOtherHost), output: moved, afterStart: 'allowed', afterCancel: 'none' },
  /** Storage migration: the files of a VM that runs move to another folder of the same host. */
  'move-storage': { input: ofPlace, output: moved, afterStart: 'allowed', afterCancel: 'none' },
  /** Live migration with all files, between hosts that share nothing. */
  'move-whole': {
    input: ofPlace.extend({ ...byOtherHost, switchName: z.string().nullable() }),
    output: moved,
    afterStart: 'allowed',
    afterCancel: 'none',
  },
  /** Hands the role of a saved VM to another node of the cluster. */
  'move-role': { input: ofVm.extend(byOtherHost), output: nothing, afterStart: 'allowed' },
  /** Hands the role back to the node that it came from. Does nothing where it is not. */
  'return-role': { input: ofVm.extend(byOtherHost), output: nothing, afterStart: 'refused' },
  /** Starts a saved VM whose role this run brought here. Remembered for ever, as a start is. */
  'start-role': {
    input: ofVm,
    output: z.object({ startedAt: z.iso.datetime() }),
    afterStart: 'allowed',
    starts: true,
  },
} as const satisfies Record<string, OperationDefinition>;
