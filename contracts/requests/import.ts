import { z } from 'zod';
import { diskId, vmId, type VmId } from '../ids';
import type { OperationInput } from '../operations';
import { madeSwitchName, madeSwitchTypes } from '../switches';
import { requestOfKind, strictlyOf } from './of-kind';
import { destinationFolder, destinationSwitch, noByteRoute } from './shapes';

const kind = 'import';
const path = z.string().min(1).max(240);

export const importRequest = requestOfKind(
  kind,
  {
    /** The folder that an export made, or a plain copy of one, on the host that imports. */
    sourceFolder: path,
    /** Where the files are copied to; without it the folder itself becomes that of the VM. */
    destinationFolder: destinationFolder.optional(),
    /** The id that the VM gets; without it it keeps the one in the folder. Hyper-V draws another: the receipt says which. */
    newVmId: vmId.optional(),
    name: z.string().min(1).max(100).nullable().default(null),
    destinationSwitch,
    /** Makes the switch that `destinationSwitch` names, of this type, where the host has none of that name. */
    makeSwitch: z
      .enum(madeSwitchTypes, {
        error: ({ input }) =>
          `${JSON.stringify(input)} is no type of switch that is made; use private or internal, and make an external one by hand (New-VMSwitch -NetAdapterName): it takes a network adapter from the host`,
      })
      .optional(),
    /** Disks that are not in the folder: the file that each is attached to. */
    diskPaths: z.array(z.strictObject({ diskId, path })).max(256).default([]),
    policy: strictlyOf(kind, {
      /** Whether a person is shown what an import has to change before it does. */
      fixUps: z.enum(['ask', 'apply']).default('ask'),
      start: z.boolean().default(false),
    }).prefault({}),
  },
  { route: noByteRoute },
);

/** The id of the VM once it is imported. */
export const importedVmId = (request: { readonly vmId: VmId; readonly newVmId?: VmId | undefined }): VmId =>
  request.newVmId ?? request.vmId;

type ImportRequest = z.infer<typeof importRequest>;

/** What a host is asked of an import, whether it compares, copies or adopts. In place, the folder of the VM is the one that is imported. */
export const importInputOf = (request: Omit<ImportRequest, 'id'>): OperationInput<'compare-import'> => ({
  vmId: importedVmId(request),
  folder: request.destinationFolder ?? request.sourceFolder,
  sourceFolder: request.sourceFolder,
  exportedVmId: request.vmId,
  name: request.name,
  switchName: request.destinationSwitch,
  diskPaths: request.diskPaths,
});

/** The same before the import, while a switch that it makes need not be there. */
export const compareInputOf = (request: Omit<ImportRequest, 'id'>): OperationInput<'compare-import'> => ({
  ...importInputOf(request),
  ...(request.makeSwitch === undefined ? {} : { makesSwitch: request.makeSwitch }),
});

/** What is wrong with the switch that a request has made, beside its type. */
export function whyNoSwitchIsMade(request: object): string | undefined {
  const { makeSwitch, destinationSwitch } = request as Partial<ImportRequest>;
  if (makeSwitch === undefined) return undefined;
  if (destinationSwitch === undefined || destinationSwitch === null)
    return `it is ${makeSwitch} and names no switch to make; name it in destinationSwitch, or leave makeSwitch out`;
  const named = madeSwitchName.safeParse(destinationSwitch);
  return named.success
    ? undefined
    : `${JSON.stringify(destinationSwitch)} is no name for a switch that is made: ${named.error.issues[0]?.message ?? ''}; or leave makeSwitch out`;
}
