import { z } from 'zod';
import { bytes, nothing, ofPlace, ofVm, type OperationDefinition } from './shapes';

export const reservationOperations = {
  /** Marks the VM as this run's on the source, so that no second run takes it. */
  'reserve-vm': { input: ofVm, output: nothing, afterStart: 'allowed' },
  /** Promises room below a root and memory of the destination to this run. */
  'reserve-room': {
    input: ofPlace.extend({ roomBytes: bytes, memoryBytes: bytes }),
    output: z.object({ freeBytes: bytes }),
    afterStart: 'allowed',
  },
  /**
   * Takes the reservations of this run back, and its mark off a switch that it made for a VM that it started here. Part of every ending, so it
   * never refuses.
   */
  release: { input: ofVm, output: nothing, afterStart: 'allowed' },
} as const satisfies Record<string, OperationDefinition>;
