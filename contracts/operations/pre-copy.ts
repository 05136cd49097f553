import { z } from 'zod';
import { diskId } from '../ids';
import { bytes, nothing, ofVm, vmSizes, type OperationDefinition } from './shapes';

const round = z.int().nonnegative();

export const preCopyOperations = {
  /**
   * Begins a round of pre-copy: from then on the content of the round stands still and what is written counts for the next one. Round 0 is
   * the whole of every disk, and `changed` has none of them.
   */
  'begin-round': {
    input: ofVm.extend({ round }),
    output: vmSizes.extend({
      tracking: z.enum(['change-tracking', 'differencing']),
      changed: z.array(
        z.object({
          diskId,
          changedBytes: bytes,
          /** Whether the whole disk is copied again, since nobody knows what changed. */
          whole: z.boolean(),
        }),
      ),
    }),
    afterStart: 'refused',
  },
  /** The destination has what the round copied: it is merged back, and earlier points are forgotten. */
  'end-round': { input: ofVm.extend({ round }), output: nothing, afterStart: 'refused' },
  /** Bytes written since the last round began. */
  'look-at-changes': { input: ofVm, output: z.object({ changedBytes: bytes }), afterStart: 'allowed' },
} as const satisfies Record<string, OperationDefinition>;
