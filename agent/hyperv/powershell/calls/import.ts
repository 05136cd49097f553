import { z } from 'zod';
import { diskId } from '../../../../contracts/ids';
import { vmDisksMax } from '../../../../contracts/limits';
import { ofVm, vmValue } from './vm';

const pathCharactersMax = 32_767;
const path = z.string().min(1).max(pathCharactersMax);
const paths = z.array(path).max(vmDisksMax);

export const folderArguments = ofVm.extend({ Folder: path });
export const exportedValue = z.object({ folder: z.string() });

/** What an import is asked for: the disks of the VM by their places, and a switch for its adapters (empty: as they are). */
export const importArguments = ofVm.extend({
  Path: path.regex(/\.vmcx$/),
  SwitchName: z.string().max(256),
  DiskIds: z.array(diskId).max(vmDisksMax),
  DiskPaths: paths,
});
export const compareArguments = importArguments.extend({ AsCopy: z.boolean() });

/** Something of a VM that this host cannot take as it is, in Hyper-V's own words; `source` is the type of what it is about. */
const incompatibility = z.object({ id: z.int(), message: z.string(), source: z.string() });
export type Incompatibility = z.infer<typeof incompatibility>;

export const comparedValue = z.object({ state: z.string(), incompatibilities: z.array(incompatibility) });
/** `vm`: null where it is incompatible, and so not imported. */
export const importedValue = z.object({ incompatibilities: z.array(incompatibility), vm: vmValue.nullable() });

export const pathsArguments = ofVm.extend({ DiskPaths: paths });
export const removeArguments = pathsArguments.extend({ Expected: z.string().max(65_536) });
export const doneValue = z.object({ done: z.literal(true) });
