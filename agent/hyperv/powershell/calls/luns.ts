import { z } from 'zod';
import { path } from './import';
import { ofVm } from './vm';

/** By the unique id of its disk, as `inspect-host` tells it. */
const lun = z.object({ Lun: z.string().regex(/^[\x20-\x7e]{1,100}$/) });

/** `Path`: where its volume is, or is to be. */
export const lunArguments = lun.extend({ Path: path });
export const mountLunArguments = lunArguments.extend({ IsReadOnly: z.boolean() });
/** `IsReadOnly`: the mark that the disk is left with. */
export const dismountLunArguments = mountLunArguments.extend({ RemovesPath: z.boolean() });
export const absentVmArguments = ofVm.extend(lun.shape);

/** A LUN as scripts/handlers/attach-lun.ps1 tells it. */
export const lunValue = z.discriminatedUnion('isThere', [
  z.object({ isThere: z.literal(false) }),
  z.object({
    isThere: z.literal(true),
    isOffline: z.boolean(),
    isReadOnly: z.boolean(),
    isClustered: z.boolean(),
    paths: z.array(z.string()),
    /** What stands at `Path`: this LUN, another thing, nothing, or not even a folder at which it could be mounted. */
    pathIs: z.enum(['own', 'taken', 'free', 'absent']),
  }),
]);
export type LunValue = z.infer<typeof lunValue>;
