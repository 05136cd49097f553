import { z } from 'zod';
import { exportParts } from '../operations/exports';
import { requestOfKind, strictlyOf } from './of-kind';
import { destinationFolder, noByteRoute } from './shapes';

const kind = 'export';

export const exportRequest = requestOfKind(
  kind,
  {
    /** Folder on the host of the VM; the export gets a folder named after the VM below it. */
    destinationFolder,
    part: z.enum(exportParts).default('whole'),
    /** With part `vm-checkpoint`: its id. */
    vmCheckpointId: z.guid().toLowerCase().nullable().default(null),
    policy: strictlyOf(kind, {}).prefault({}),
  },
  { route: noByteRoute },
);
