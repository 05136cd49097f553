import { z } from 'zod';
import { vmId } from '../ids';
import { bytes, nothing, ofPlace, ofVm, vmSizes, type OperationDefinition } from './shapes';

export const powerOperations = {
  /** Stops a running VM with its memory on disk. The outage begins. */
  'save-vm': {
    input: ofVm,
    output: vmSizes.extend({ savedAt: z.iso.datetime(), memoryFileBytes: bytes }),
    afterStart: 'refused',
  },
  /** Shuts the guest of a running VM down. The outage begins. */
  'shut-down-vm': { input: ofVm, output: vmSizes.extend({ shutDownAt: z.iso.datetime() }), afterStart: 'refused' },
  /** Starts a VM that this run saved or shut down, on the source. `outageMs`: from the stop to this start; null when this run had not stopped it. */
  'resume-vm': {
    input: ofVm,
    output: z.object({ outageMs: z.int().nonnegative().nullable() }),
    afterStart: 'refused',
  },
  /** Keeps the VM from starting or changing until this run's mark is removed. */
  'fence-vm': { input: ofVm, output: nothing, afterStart: 'source-only' },
  'unfence-vm': { input: ofVm, output: nothing, afterStart: 'refused' },
  /** The pivot: the planned VM becomes real and starts from its saved state. Remembered for ever: this run started the VM here. */
  'start-vm': {
    input: ofPlace.extend({
      /** `leave`: it becomes real as it is, off or saved, and does not start. */
      power: z.enum(['start', 'leave']).optional(),
    }),
    output: z.object({
      startedAt: z.iso.datetime(),
      /** The id that the VM has on this host, where the host draws the id of a VM that is imported under a new one. */
      registeredAs: vmId.optional(),
    }),
    afterStart: 'allowed',
    starts: true,
  },
  /** Waits for the heartbeat of the guest. */
  'await-heartbeat': {
    input: ofVm.extend({ waitMsMax: z.int().positive() }),
    output: z.object({
      seenAt: z.iso.datetime(),
      /** What the guest itself measured, from its last write before the save to its first after the start; absent where it cannot. */
      guestOutageMs: z.int().nonnegative().optional(),
    }),
    afterStart: 'allowed',
  },
  /** What becomes of the source after the start at the destination. */
  'retire-vm': {
    input: ofVm.extend({ retire: z.enum(['keep', 'unregister', 'delete']) }),
    output: z.object({ kept: z.array(z.string()), freedBytes: bytes }),
    afterStart: 'source-only',
  },
} as const satisfies Record<string, OperationDefinition>;
