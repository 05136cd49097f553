import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { DiskId, RunId, VmId } from '../../../../contracts/ids';
import type { OperationInput } from '../../../../contracts/operations';
import type { FixUp } from '../../../../contracts/operations/exports';
import { describeChain } from '../../../disks/chain';
import { exists, filesBelow } from '../../files';
import { exportLayout } from '../../home/export-folder';
import { refuse } from '../../refuse';
import type { Incompatibility, PlannedVm } from '../calls/import';
import type { inspecting } from '../comparisons';
import { configurationFileBytesMax } from '../configuration-package';
import { exportedFiles, isDiskFile, nameOf } from '../exported-files';
import { diskIdOf } from '../facts';
import type { RealHost } from '../host';
import { incompatible } from '../incompatible';
import { resolveFolder } from '../placing';
import { chooseSwitch, memoryToKeep } from './fix-ups';

type Input = OperationInput<'compare-import'>;

export type FoundDisk = { readonly diskId: DiskId; readonly attachedPath: string; readonly paths: readonly string[] };

/** What an import stands on: every file that it needs, found and looked into, and what it changes. */
export type FoundImport = {
  readonly folder: string;
  readonly configurationPath: string;
  /** The VM in it. */
  readonly exportedVmId: VmId;
  readonly planned: PlannedVm;
  /** As it will be. */
  readonly vmName: string;
  readonly switchName: string | null;
  readonly disks: readonly FoundDisk[];
  /** The saved memory that it goes on from; null where it has none, or none that can be used. */
  readonly memoryPath: string | null;
  /** What belongs to its VM checkpoints alone, by where it lies in the folder. */
  readonly besides: readonly { readonly path: string; readonly within: string; readonly sizeBytes: number }[];
  readonly fixUps: readonly FixUp[];
  readonly fileBytes: number;
};

/**
 * Looks for everything before anything is changed; refuses with the name of what is missing. What the configuration says, Hyper-V alone can
 * read: it plans the VM under an id of its own, tells what this host lacks, and the plan goes again.
 */
export async function findImport(
  host: RealHost,
  by: RunId | typeof inspecting,
  input: Input,
): Promise<Outcome<FoundImport>> {
  const { vmId, exportedVmId } = input;
  const resolved = await resolveFolder(host, input.sourceFolder);
  if (!resolved.ok) return resolved;
  const folder = resolved.value;
  const files = await exportedFiles(folder);
  const configuration = files.find(({ id, ending }) => id === exportedVmId && ending === 'vmcx');
  if (configuration === undefined) return noSuchVm(folder, vmId, exportedVmId, files);
  const { path: configurationPath } = configuration;
  for (const { ending, path } of files)
    if (ending !== 'vmrs' && (await stat(path)).size > configurationFileBytesMax)
      return refuse('RequestInvalid', vmId, `${path} is larger than the configuration of a VM can be.`);
  const read = await host.comparisons.compare(by, { ...asItIs, Path: configurationPath });
  if (!read.ok) return read;
  const { planned } = read.value;
  const fixUps: FixUp[] = [];
  const disks = await findDisks(host, folder, planned, input, fixUps);
  if (!disks.ok) return disks;
  const memoryPath = files.find(({ id, ending }) => id === exportedVmId && ending === 'vmrs')?.path;
  const keptPath = memoryToKeep(planned, input, memoryPath, fixUps);
  const chosen = await chooseSwitch(host, planned, input, fixUps);
  if (!chosen.ok) return chosen;
  const { switchName, connectTo } = chosen.value;
  const rest = await compareChanged(host, by, vmId, { configurationPath, disks: disks.value, keptPath, connectTo });
  if (!rest.ok) return rest;
  if (input.name !== null && input.name !== planned.name)
    fixUps.push({ what: 'name', from: planned.name, to: input.name });
  if (vmId !== exportedVmId) fixUps.push({ what: 'id', from: exportedVmId, to: 'one that Hyper-V draws' });
  const images = disks.value.flatMap(({ paths }) => paths);
  const besides = await findBesides(folder, images);
  let fileBytes = besides.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const path of [...images, ...(keptPath === null ? [] : [keptPath])]) fileBytes += (await stat(path)).size;
  return succeeded({
    folder,
    configurationPath,
    exportedVmId: configuration.id,
    planned,
    vmName: input.name ?? planned.name,
    switchName,
    disks: disks.value,
    memoryPath: keptPath,
    besides,
    fixUps,
    fileBytes,
  });
}

const asItIs = { SwitchName: '', Disconnects: false, KeepsMemory: true, DiskIds: [], DiskPaths: [] };

function noSuchVm(
  folder: string,
  vmId: VmId,
  exportedVmId: string,
  files: readonly { id: VmId; ending: string }[],
): Outcome<never> {
  const ids = files.flatMap(({ id, ending }) => (ending === 'vmcx' ? [id] : []));
  const has = ids.length === 0 ? 'no VM' : `VM ${ids.join(', ')}`;
  return refuse(
    'NotFound',
    vmId,
    `${join(exportLayout(folder).machines, `${exportedVmId}.vmcx`)} is not there; the folder has ${has}.`,
  );
}

async function findDisks(
  host: RealHost,
  folder: string,
  planned: PlannedVm,
  input: Input,
  fixUps: FixUp[],
): Promise<Outcome<FoundDisk[]>> {
  const found: FoundDisk[] = [];
  for (const disk of planned.disks) {
    const diskId = diskIdOf(disk);
    if (diskId === undefined)
      return refuse('RequestInvalid', input.vmId, `${disk.path} is attached to a ${disk.controller} controller.`);
    const own = join(exportLayout(folder).disks, nameOf(disk.path));
    const named = input.diskPaths.find((one) => one.diskId === diskId)?.path;
    const path = named ?? ((await exists(own)) ? own : disk.path);
    const resolved = await resolveFolder(host, path);
    // A path that nobody gave is that of the host which made the export.
    if (!resolved.ok && named !== undefined) return resolved;
    if (!resolved.ok || !(await exists(resolved.value)))
      return refuse(
        'NotFound',
        input.vmId,
        `Disk ${diskId} is not in ${folder}, and ${path} is not there: say where it is.`,
      );
    const chain = await describeChain(resolved.value, { roots: host.roots });
    if (!chain.ok) return failed({ ...chain.failure, effect: 'none', subject: { ...chain.failure.subject, diskId } });
    if (path !== own) fixUps.push({ what: 'disk', from: `${diskId}: ${disk.path}`, to: resolved.value });
    found.push({ diskId, attachedPath: disk.path, paths: chain.value.images.map((image) => image.path) });
  }
  return succeeded(found);
}

/** What still stands against it once everything is as it is to be, is not this agent's to change. */
async function compareChanged(
  host: RealHost,
  by: RunId | typeof inspecting,
  vmId: VmId,
  changed: {
    readonly configurationPath: string;
    readonly disks: readonly FoundDisk[];
    readonly keptPath: string | null;
    readonly connectTo: string | null;
  },
): Promise<Outcome<void>> {
  const { configurationPath, disks, keptPath, connectTo } = changed;
  const compared = await host.comparisons.compare(by, {
    Path: configurationPath,
    SwitchName: connectTo ?? '',
    Disconnects: true,
    KeepsMemory: keptPath !== null,
    DiskIds: disks.map(({ diskId }) => diskId),
    DiskPaths: disks.map(({ paths }) => paths.at(-1) ?? ''),
  });
  if (!compared.ok) return compared;
  const { incompatibilities } = compared.value;
  const [first]: readonly Incompatibility[] = incompatibilities;
  return first === undefined ? succeeded(undefined) : failed(incompatible(vmId, incompatibilities, first));
}

/** Configurations of VM checkpoints, and disk files that no chain of the VM has: those of other branches. */
async function findBesides(folder: string, images: readonly string[]): Promise<FoundImport['besides']> {
  const used = new Set(images.map((path) => path.toLowerCase()));
  const { disks } = exportLayout(folder);
  const branches = (await filesBelow(disks)).filter(
    ({ path }) => dirname(path) === disks && isDiskFile(path) && !used.has(path.toLowerCase()),
  );
  const settings = await filesBelow(join(folder, 'Snapshots'));
  return [
    ...branches.map(({ path, sizeBytes }) => ({ path, sizeBytes, within: join(basename(disks), basename(path)) })),
    ...settings.map(({ path, sizeBytes }) => ({ path, sizeBytes, within: path.slice(folder.length + 1) })),
  ];
}
