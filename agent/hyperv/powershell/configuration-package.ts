import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { diskId, runId, vmId, type RunId, type VmId } from '../../../contracts/ids';
import { vmDisksMax } from '../../../contracts/limits';
import { ifExists, writeFileDurably } from '../../files';
import { filesBelow } from '../files';
import { refuse } from '../refuse';

/** Of the files of a configuration: `.vmcx` has tens of KiB, `.vmgs` (firmware variables, virtual TPM) some MiB. */
export const configurationFileBytesMax = 32 * 1024 ** 2;
const packageBytesMax = 3 * configurationFileBytesMax;

const fileName = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(?:vmcx|vmgs)$/i;

/**
 * What travels as the configuration of a VM, as one file: the files that Hyper-V exported, and what the run knows of the VM beside them.
 * Nothing of it is trusted: it names no paths that are used but the names of disks.
 */
const configurationPackage = z.object({
  schema: z.literal(1),
  driver: z.literal('powershell'),
  runId,
  vmId,
  /** Of an import from a folder: the VM as it is in it; null of one that is carried over. */
  fromExport: z
    .object({ exportedVmId: vmId, vmName: z.string(), switchName: z.string().nullable() })
    .nullable()
    .default(null),
  vmName: z.string().max(200),
  memoryBytes: z.int().nonnegative(),
  switchName: z.string().max(256).nullable(),
  hasSavedState: z.boolean(),
  /** Whether the last image of each disk is the differencing disk of the run's VM checkpoint, to be merged where it arrives. */
  endsInVmCheckpointOfRun: z.boolean(),
  disks: z
    .array(z.object({ diskId, attachedPath: z.string(), imageNames: z.array(z.string().max(400)).min(1).max(256) }))
    .max(vmDisksMax),
  files: z.array(z.object({ name: z.string().regex(fileName), base64: z.base64() })).max(2),
});
export type ConfigurationPackage = z.infer<typeof configurationPackage>;

export const packagePath = (folder: string): string => join(folder, 'configuration.json');
export const exportedStatePath = (folder: string, vm: VmId): string => join(folder, 'Virtual Machines', `${vm}.vmrs`);

/** What Hyper-V exported of a VM into a folder: its configuration, and no disk. */
export async function readExported(folder: string, vm: VmId): Promise<Outcome<ConfigurationPackage['files']>> {
  const found = await filesBelow(folder);
  const refused = (message: string) =>
    failed(failureOf('HyperVRefused', { message, subject: { vmId: vm }, effect: 'none' }));
  const disk = found.find(({ path }) => /\.a?vhdx?$/i.test(path));
  if (disk !== undefined) return refused(`Hyper-V exported ${disk.path}, which was not asked for.`);
  const files: ConfigurationPackage['files'] = [];
  for (const { path, sizeBytes } of found) {
    const name = basename(path);
    if (!fileName.test(name)) continue;
    if (sizeBytes > configurationFileBytesMax)
      return refused(`${name} has ${sizeBytes} bytes; a configuration has at most ${configurationFileBytesMax}.`);
    files.push({ name, base64: (await readFile(path)).toString('base64') });
  }
  return files.some(({ name }) => name.toLowerCase() === `${vm}.vmcx`)
    ? succeeded(files)
    : refused(`Hyper-V exported no configuration of VM ${vm} into ${folder}.`);
}

export const writePackage = (folder: string, content: ConfigurationPackage): Promise<void> =>
  writeFileDurably(packagePath(folder), JSON.stringify(content));

/** A package that was pulled. VmStateWrong where it is not there yet, RequestInvalid where it is not that of the run's VM. */
export async function readPackage(path: string, run: RunId, vm: VmId): Promise<Outcome<ConfigurationPackage>> {
  const facts = await ifExists(stat(path));
  if (facts === undefined) return refuse('VmStateWrong', vm, `The configuration of VM ${vm} was not copied yet.`);
  const unusable = (why: string) => refuse('RequestInvalid', vm, `The copied configuration cannot be used: ${why}.`);
  if (facts.size > packageBytesMax) return unusable(`it has ${facts.size} bytes, more than ${packageBytesMax}`);
  let document: unknown;
  try {
    document = JSON.parse(await readFile(path, 'utf8'));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return unusable('it is not JSON');
    throw thrown;
  }
  const parsed = configurationPackage.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return unusable(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not of this schema'}`);
  }
  const { vmId: ofVm, runId: ofRun, files, fromExport } = parsed.data;
  if (ofVm !== vm || ofRun !== run) return unusable(`it is that of VM ${ofVm}, run ${ofRun}`);
  const wanted = `${fromExport?.exportedVmId ?? vm}.vmcx`;
  return files.some(({ name }) => name.toLowerCase() === wanted)
    ? succeeded(parsed.data)
    : unusable(`it has no ${wanted}`);
}
