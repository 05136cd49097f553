import { z } from 'zod';
import { convertTo } from '../requests/shapes';
import { bytes, nothing, ofPlace, ofVm, type OperationDefinition } from './shapes';

export const placeholderOperations = {
  /** Makes the placeholder: a planned VM (it cannot start and takes no memory) and its folder. */
  'place-vm': { input: ofPlace.extend({ vmName: z.string() }), output: nothing, afterStart: 'refused' },
  /** Removes the placeholder, and every file that this run wrote for it. Refuses when this run ever started the VM here. */
  'remove-placeholder': { input: ofPlace, output: z.object({ removedBytes: bytes }), afterStart: 'refused' },
  /** Writes the VM's configuration where the byte route serves it from. */
  'export-configuration': { input: ofVm, output: nothing, afterStart: 'allowed' },
  'remove-export': { input: ofVm, output: nothing, afterStart: 'allowed' },
  /** Gives the planned VM the pulled configuration, with disks and switch changed to what is here. */
  'import-configuration': {
    input: ofPlace.extend({
      switchName: z.string().nullable(),
      /** The format that the copies of the disks were given, where it is not that of the source: their names follow it. */
      convertTo,
    }),
    output: z.object({ changes: z.array(z.string()) }),
    afterStart: 'refused',
  },
} as const satisfies Record<string, OperationDefinition>;
