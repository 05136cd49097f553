import { z } from 'zod';
import { diskId, vmId } from '../ids';
import { madeSwitchTypes } from '../switches';
import { bytes, nothing, ofPlace, type OperationDefinition } from './shapes';

export const exportParts = ['whole', 'configuration', 'vm-checkpoint'] as const;

/** Something that an import changes, since it cannot be as it was exported; `to` is what it becomes. */
export const fixUp = z.object({
  what: z.enum(['switch', 'disk', 'saved-state', 'id', 'name']),
  from: z.string(),
  to: z.string(),
});
export type FixUp = z.infer<typeof fixUp>;

export const imported = ofPlace.extend({
  /** The folder that an export made, or a plain copy of one; it has the configuration in `Virtual Machines`. */
  sourceFolder: z.string(),
  /** The VM in it. `vmId` is the id that it gets. */
  exportedVmId: z.string(),
  name: z.string().nullable(),
  switchName: z.string().nullable(),
  /** The switch of that name is made before the import, where it is not there: that it is missing is no obstacle. */
  makesSwitch: z.enum(madeSwitchTypes).optional(),
  /** Disks that are elsewhere: the file that each is attached to. */
  diskPaths: z.array(z.object({ diskId, path: z.string() })),
});

export const exportOperations = {
  /** Writes the VM, or what of it is asked for, into a folder that is no export yet. */
  'export-vm': {
    input: ofPlace.extend({ part: z.enum(exportParts), vmCheckpointId: z.string().nullable() }),
    output: z.object({ exportedBytes: bytes, files: z.int().nonnegative() }),
    afterStart: 'allowed',
  },
  /** Makes what was written an export, all at once. */
  'publish-export': {
    input: ofPlace,
    output: z.object({
      folder: z.string(),
      /** The id by which an import finds the VM in it; absent where it is that of the VM. */
      exportedVmId: vmId.optional(),
    }),
    afterStart: 'allowed',
  },
  /** Removes what was written and not published. */
  'remove-unpublished': { input: ofPlace, output: nothing, afterStart: 'allowed' },
  /** Finds every file that an import needs and says what it would change. Changes nothing. */
  'compare-import': {
    input: imported,
    output: z.object({ vmName: z.string(), memoryBytes: bytes, roomBytes: bytes, fixUps: z.array(fixUp) }),
    afterStart: 'allowed',
  },
  /** Copies every file into the placeholder, with the fix-ups in its configuration. The folder stays as it is. */
  'copy-import': { input: imported, output: z.object({ copiedBytes: bytes }), afterStart: 'refused' },
  /** Makes the placeholder of the folder itself: its files become those of the VM where they are. */
  'adopt-import': { input: imported, output: z.object({ changes: z.array(z.string()) }), afterStart: 'refused' },
} as const satisfies Record<string, OperationDefinition>;
