import { z } from 'zod';
import { diskId } from '../../../../contracts/ids';
import { vmDisksMax } from '../../../../contracts/limits';
import { ofVm, vmValue } from './vm';

const pathCharactersMax = 32_767;
export const path = z.string().min(1).max(pathCharactersMax);
const paths = z.array(path).max(vmDisksMax);

export const folderArguments = ofVm.extend({ Folder: path });
export const exportedValue = z.object({ folder: z.string() });

/**
 * What an import is asked for: the disks of the VM by their places, and a switch for its adapters. Empty: they stay as they are, but for
 * those whose switch is not there, which are disconnected where `Disconnects` says so.
 */
const edits = z.object({
  Path: path.regex(/\.vmcx$/i),
  SwitchName: z.string().max(256),
  Disconnects: z.boolean(),
  /** Whether the VM is to go on from its saved memory, if it has one. */
  KeepsMemory: z.boolean(),
  DiskIds: z.array(diskId).max(vmDisksMax),
  DiskPaths: paths,
});
export const compareArguments = ofVm.extend(edits.shape);
/** `Folder`: where a VM that is planned for the comparison alone would have its files, by which it is known. */
export const readImportArguments = edits.extend({ Folder: path });
export const plannedArguments = z.object({ Folder: path });
export const importArguments = ofVm.extend(edits.shape).extend({
  /** That of the VM, above `Virtual Machines`. */
  Folder: path,
  /** Under an id that Hyper-V draws. */
  HasNewId: z.boolean(),
  /** Empty: the one that it has. */
  NewName: z.string().max(100),
});

/** Something of a VM that this host cannot take as it is, in Hyper-V's own words; `source` is the type of what it is about. */
export const incompatibility = z.object({ id: z.int(), message: z.string(), source: z.string() });
export type Incompatibility = z.infer<typeof incompatibility>;

/** A VM as its configuration has it, before anything of it was changed. */
const plannedVm = z.object({
  name: z.string(),
  generation: z.int(),
  version: z.string(),
  processorCount: z.int().positive(),
  memoryStartupBytes: z.int().nonnegative(),
  state: z.string(),
  /** Of its adapters that are connected. */
  switches: z.array(z.string()),
  disks: z.array(
    z.object({
      controller: z.string(),
      number: z.int().nonnegative(),
      location: z.int().nonnegative(),
      path: z.string(),
    }),
  ),
  incompatibilities: z.array(incompatibility),
});
export type PlannedVm = z.infer<typeof plannedVm>;

/** `incompatibilities`: what is left of them. */
export const comparedValue = z.object({
  state: z.string(),
  incompatibilities: z.array(incompatibility),
  planned: plannedVm,
});
/** `vm`: null where it is incompatible, and so not imported. */
export const importedValue = z.object({ incompatibilities: z.array(incompatibility), vm: vmValue.nullable() });

export const pathsArguments = ofVm.extend({ DiskPaths: paths });
export const removeArguments = pathsArguments.extend({ Expected: z.string().max(65_536) });
export const doneValue = z.object({ done: z.literal(true) });
