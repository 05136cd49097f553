import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { DiskId, RunId, VmId } from '../../../contracts/ids';
import type { OperationInput } from '../../../contracts/operations';
import type { FixUp } from '../../../contracts/operations/exports';
import { describeChain } from '../../disks/chain';
import { exists, filesBelow } from '../files';
import { exportLayout } from '../home/export-folder';
import { refuse } from '../refuse';
import type { Incompatibility, PlannedVm } from './calls/import';
import type { inspecting } from './comparisons';
import { configurationFileBytesMax } from './configuration-package';
import { exportedFiles, isDiskFile, nameOf } from './exported-files';
import { diskIdOf } from './facts';
import { incompatible, savedStateUnusable, switchMissing } from './incompatible';
import { homeOf, type RealHost } from './host';
import { resolveFolder } from './placing';

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
  const rest = await compareChanged(host, by, input, { configurationPath, disks: disks.value, keptPath });
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
    switchName: chosen.value,
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
    if (!resolved.ok) return resolved;
    if (!(await exists(resolved.value)))
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

/** A saved memory is of one VM and of processors like those that it was saved on: else the VM starts cold, which somebody must know before. */
function memoryToKeep(
  planned: PlannedVm,
  { vmId, exportedVmId }: Input,
  path: string | undefined,
  fixUps: FixUp[],
): string | null {
  if (planned.state !== 'Saved') return null;
  const isRefused = planned.incompatibilities.some(({ id }) => id === savedStateUnusable);
  if (path !== undefined && vmId === exportedVmId && !isRefused) return path;
  fixUps.push({ what: 'saved-state', from: path ?? 'not in the folder', to: 'none: the VM starts cold' });
  return null;
}

/** Where the switch that is asked for, or was there, is missing. The name of one that is missing may stand in the message of Hyper-V alone. */
async function chooseSwitch(
  host: RealHost,
  planned: PlannedVm,
  { vmId, switchName: asked }: Input,
  fixUps: FixUp[],
): Promise<Outcome<string | null>> {
  const facts = await host.client.call('read-host', { Roots: [...host.roots] }, { vmId });
  if (!facts.ok) return facts;
  const { switches } = facts.value;
  if (asked !== null && !switches.includes(asked))
    return refuse('SwitchMissing', vmId, `This host has no virtual switch "${asked}".`);
  const named = [...new Set(planned.switches)];
  const lost = planned.incompatibilities.filter(({ id }) => id === switchMissing).map(({ message }) => message);
  const was = named.length > 0 ? named : lost;
  const changed = was.filter((name) => (asked === null ? !switches.includes(name) : name !== asked));
  for (const from of changed) fixUps.push({ what: 'switch', from, to: asked ?? 'not connected' });
  if (was.length === 0) return succeeded(null);
  return succeeded(asked ?? named.find((name) => switches.includes(name)) ?? null);
}

/** What still stands against it once everything is as it is to be, is not this agent's to change. */
async function compareChanged(
  host: RealHost,
  by: RunId | typeof inspecting,
  { vmId, switchName }: Input,
  changed: { configurationPath: string; disks: readonly FoundDisk[]; keptPath: string | null },
): Promise<Outcome<void>> {
  const { configurationPath, disks, keptPath } = changed;
  const compared = await host.comparisons.compare(by, {
    Path: configurationPath,
    SwitchName: switchName ?? '',
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

/** A VM of this host that uses a disk of an import, or has the folder as its own. */
export async function userOf(
  { client }: RealHost,
  { folder, disks }: Pick<FoundImport, 'folder' | 'disks'>,
): Promise<Outcome<string | null>> {
  const read = await client.call('read-vms', {});
  if (!read.ok) return read;
  const wanted = new Set(disks.flatMap(({ paths }) => paths));
  const user = read.value.vms.find(
    (vm) =>
      homeOf(vm) === folder ||
      vm.disks.some(({ path, images }) => wanted.has(path) || images.some((image) => wanted.has(image.path))),
  );
  return succeeded(user?.name ?? null);
}

/** Whether the id that the VM gets is free here: it may be one that this run has started by then. */
export async function checkId(host: RealHost, run: RunId, vmId: VmId): Promise<Outcome<void>> {
  const read = await host.client.call('read-vms', { VmId: vmId }, { vmId });
  if (!read.ok) return read;
  const [vm] = read.value.vms;
  if (vm === undefined) return succeeded(undefined);
  const noted = await host.runs.read(run, vmId);
  if (!noted.ok) return noted;
  return noted.value.placed?.imported?.fromExport?.isRegistering === true
    ? succeeded(undefined)
    : failed(
        failureOf('DestinationOccupied', {
          message: `A VM ${vmId} (${vm.name}) is registered here: import it under a new id.`,
          subject: { vmId },
          effect: 'none',
        }),
      );
}
