import { z } from 'zod';
import { vmStates } from '../facts';
import { bytes, nothing, ofPlace, ofVm, readDisk, vmSizes, type OperationDefinition } from './shapes';

export const diskOperations = {
  /** Opens every file of every disk of the VM and checks its structure. */
  'check-disks': {
    input: ofVm.extend({
      /** `host`: the host itself will write the files out, so what agents cannot carry over is no obstacle. Agents carry them by default. */
      carriedBy: z.enum(['agent', 'host']).optional(),
    }),
    output: vmSizes.extend({
      state: z.enum(vmStates),
      /** Whether the host exports a VM that runs without a VM checkpoint of the run. */
      exportsRunning: z.boolean().optional(),
    }),
    afterStart: 'allowed',
  },
  /** A VM checkpoint of this run: each disk gets a differencing disk, and the files below it stand still. */
  'take-vm-checkpoint': { input: ofVm, output: vmSizes, afterStart: 'refused' },
  /** Merges the differencing disks of this run's VM checkpoint back; the VM may run meanwhile. */
  'remove-vm-checkpoint': { input: ofVm, output: nothing, afterStart: 'allowed' },
  /** Merges this run's differencing disks into their parents below the planned VM. */
  'merge-disks': { input: ofPlace, output: z.object({ mergedBytes: bytes }), afterStart: 'refused' },
  /**
   * Merkle root of what a guest would read. `changed`: of the chunks that the last image of each disk touches, as the pull's journal or the
   * image itself tells; `all`: of the whole disk.
   */
  'digest-disks': {
    input: ofVm.extend({
      scope: z.enum(['changed', 'all']),
      side: z.enum(['source', 'destination']),
      /** With scope `changed`: of what this round of pre-copy was about instead. */
      round: z.int().positive().optional(),
    }),
    output: z.object({ disks: z.array(readDisk) }),
    afterStart: 'allowed',
  },
} as const satisfies Record<string, OperationDefinition>;
