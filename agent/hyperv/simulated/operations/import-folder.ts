import { basename, join } from 'node:path';
import { stat } from 'node:fs/promises';
import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { DiskId, RunId } from '../../../../contracts/ids';
import type { OperationInput } from '../../../../contracts/operations';
import type { FixUp } from '../../../../contracts/operations/exports';
import { roomForFilesBytes } from '../../../../contracts/room';
import { describeChain } from '../../../disks/chain';
import { copyFiles, exportLayout, type FileCopy } from '../../home/export-folder';
import { exists, readJson, writeJsonAtomic } from '../../files';
import { resolveOnHost, rootsOf, type Handler, type SimulatedHost } from '../host';
import { homeLayout, pulledImagePath } from '../../home/layout';
import { exportedConfiguration, type ExportedConfiguration } from '../records';
import { refuse } from '../../refuse';
import { switchNamesOf } from '../switches';
import { placeholder } from '../refusals';
import { changesOf, switchToBeMade } from '../../home/changes';
import { importedAs, registrationOf } from './import-configuration';

type Input = OperationInput<'compare-import'>;

/** What an import stands on: every file that it needs, found and looked into, and what it changes. */
type Found = {
  readonly folder: string;
  /** As it will be: with the new id and name, the switch that there is, and without a memory that cannot be used. */
  readonly configuration: ExportedConfiguration;
  readonly disks: readonly { readonly diskId: DiskId; readonly paths: readonly string[] }[];
  readonly memoryPath: string | null;
  readonly fixUps: readonly FixUp[];
  readonly fileBytes: number;
};

async function find(host: SimulatedHost, runId: RunId, input: Input): Promise<Outcome<Found>> {
  const { vmId } = input;
  const registered = host.state.vm(vmId);
  if (registered !== undefined && registered.startedBy?.runId !== runId)
    return refuse(
      'DestinationOccupied',
      vmId,
      `A VM ${vmId} (${registered.name}) is registered here: import it under a new id.`,
    );
  return findImport(host, runId, input);
}

/** Looks for everything before anything is changed; refuses with the name of what is missing. `runId`: null before there is a run. */
export async function findImport(host: SimulatedHost, runId: RunId | null, input: Input): Promise<Outcome<Found>> {
  const { vmId, exportedVmId } = input;
  const folder = await resolveOnHost(host, input.sourceFolder);
  if (!folder.ok) return folder;
  const layout = exportLayout(folder.value);
  const read = await readJson(layout.configuration(exportedVmId), exportedConfiguration);
  if (read.state === 'absent') return refuse('NotFound', vmId, `${layout.configuration(exportedVmId)} is not there.`);
  if (read.state === 'damaged')
    return refuse('RequestInvalid', vmId, `${layout.configuration(exportedVmId)} cannot be used: ${read.reason}.`);
  const fixUps: FixUp[] = [];
  const disks = await findDisks(host, folder.value, read.value, input, fixUps);
  if (!disks.ok) return disks;
  const memoryPath = await findMemory(folder.value, read.value, input, fixUps);
  if (!memoryPath.ok) return memoryPath;
  const switchName = chooseSwitch(host, read.value, input, fixUps);
  if (!switchName.ok) return switchName;
  const name = input.name ?? read.value.name;
  if (name !== read.value.name) fixUps.push({ what: 'name', from: read.value.name, to: name });
  if (vmId !== read.value.vmId) fixUps.push({ what: 'id', from: read.value.vmId, to: vmId });
  const memory = memoryPath.value;
  const configuration: ExportedConfiguration = {
    ...read.value,
    runId: runId ?? read.value.runId,
    vmId,
    name,
    switchName: switchName.value,
    ...(memory === null ? { savedStateBytes: null, savedAt: null } : {}),
    disks: disks.value.map(({ diskId, paths, attachedPath }) => ({
      diskId,
      attachedPath,
      imageNames: paths.map((path) => basename(path)),
    })),
  };
  const files = [...disks.value.flatMap((disk) => disk.paths), ...(memory === null ? [] : [memory])];
  let fileBytes = 0;
  for (const path of files) fileBytes += (await stat(path)).size;
  return succeeded({ folder: folder.value, configuration, disks: disks.value, memoryPath: memory, fixUps, fileBytes });
}

type FoundDisk = Found['disks'][number] & { readonly attachedPath: string };

async function findDisks(
  host: SimulatedHost,
  folder: string,
  configuration: ExportedConfiguration,
  input: Input,
  fixUps: FixUp[],
): Promise<Outcome<FoundDisk[]>> {
  const found: FoundDisk[] = [];
  for (const { diskId, attachedPath, imageNames } of configuration.disks) {
    const named = input.diskPaths.find((disk) => disk.diskId === diskId)?.path;
    const own = join(exportLayout(folder).disks, basename(imageNames.at(-1) ?? ''));
    const path = named ?? ((await exists(own)) ? own : attachedPath);
    const resolved = await resolveOnHost(host, path);
    if (!resolved.ok) return resolved;
    if (!(await exists(resolved.value)))
      return refuse(
        'NotFound',
        input.vmId,
        `Disk ${diskId} is not in ${folder}, and ${path} is not there: say where it is.`,
      );
    const chain = await describeChain(resolved.value, { roots: rootsOf(host) });
    if (!chain.ok) return failed({ ...chain.failure, effect: 'none', subject: { ...chain.failure.subject, diskId } });
    if (path !== own) fixUps.push({ what: 'disk', from: `${diskId}: ${attachedPath}`, to: resolved.value });
    found.push({ diskId, attachedPath, paths: chain.value.images.map((image) => image.path) });
  }
  return succeeded(found);
}

/** A saved memory is of one VM: under another id, or where it is missing, the VM starts cold, which somebody must know before. */
async function findMemory(
  folder: string,
  configuration: ExportedConfiguration,
  input: Input,
  fixUps: FixUp[],
): Promise<Outcome<string | null>> {
  if (configuration.savedStateBytes === null) return succeeded(null);
  const path = exportLayout(folder).savedState(input.exportedVmId);
  const usable = (await exists(path)) && configuration.vmId === input.vmId;
  if (!usable) fixUps.push({ what: 'saved-state', from: path, to: 'none: the VM starts cold' });
  return succeeded(usable ? path : null);
}

function chooseSwitch(
  host: SimulatedHost,
  configuration: ExportedConfiguration,
  { vmId, switchName, makesSwitch }: Input,
  fixUps: FixUp[],
): Outcome<string | null> {
  const switches = switchNamesOf(host);
  const isMissing = switchName !== null && !switches.includes(switchName);
  if (isMissing && makesSwitch === undefined)
    return refuse('SwitchMissing', vmId, `This host has no virtual switch "${switchName}".`);
  const was = configuration.switchName;
  const chosen = switchName ?? (was !== null && switches.includes(was) ? was : null);
  const to = chosen === null ? 'not connected' : isMissing ? switchToBeMade(chosen, makesSwitch) : chosen;
  if (chosen !== was) fixUps.push({ what: 'switch', from: was ?? 'not connected', to });
  return succeeded(chosen);
}

export const importRoomBytes = ({ fileBytes }: Pick<Found, 'fileBytes'>): number => roomForFilesBytes(fileBytes);

export const compareImport: Handler<'compare-import'> = async (host, { runId }, input) => {
  const found = await find(host, runId, input);
  if (!found.ok) return found;
  const { configuration, fixUps } = found.value;
  const { name, memoryBytes } = configuration;
  return succeeded({ vmName: name, memoryBytes, roomBytes: importRoomBytes(found.value), fixUps: [...fixUps] });
};

/** Every file goes where a pull would have put it, so that the rest of the import is that of a move. */
export const copyImport: Handler<'copy-import'> = async (host, context, input) => {
  const planned = placeholder(host, context.runId, input.vmId);
  if (!planned.ok) return planned;
  const { home, imported } = planned.value;
  if (imported !== null) return succeeded({ copiedBytes: 0 });
  const found = await find(host, context.runId, input);
  if (!found.ok) return found;
  const { configuration, disks, memoryPath } = found.value;
  const images = disks.flatMap(({ diskId, paths }) =>
    paths.map((from, index): FileCopy => ({ from, to: pulledImagePath(home, diskId, index) })),
  );
  const memory = memoryPath === null ? [] : [{ from: memoryPath, to: homeLayout(home).savedStateOf(input.vmId) }];
  const copied = await copyFiles(host, context, [...images, ...memory]);
  if (!copied.ok) return copied;
  await writeJsonAtomic(homeLayout(home).pulledConfiguration, configuration);
  return succeeded({ copiedBytes: copied.value });
};

/** A VM of this host that uses a disk of an import. */
export const userOf = (host: SimulatedHost, { disks }: Pick<Found, 'disks'>): string | null =>
  host.state.vms.find((vm) => vm.disks.some((disk) => disks.some(({ paths }) => paths.includes(disk.path))))?.name ??
  null;

export const adoptImport: Handler<'adopt-import'> = async (host, { runId }, input) => {
  const { vmId } = input;
  const before = host.state.plannedVm(runId, vmId);
  if (before?.imported) return succeeded({ changes: [...before.imported.changes] });
  const other = host.state.planned.find((planned) => planned.vmId === vmId && planned.runId !== runId);
  if (other !== undefined)
    return refuse('DestinationOccupied', vmId, `Run ${other.runId} has a placeholder of VM ${vmId} on this host.`);
  const found = await find(host, runId, input);
  if (!found.ok) return found;
  const { folder, configuration, disks } = found.value;
  const user = userOf(host, found.value);
  if (user !== null)
    return refuse('DestinationOccupied', vmId, `VM ${user} uses the disks in ${folder}: import a copy.`);
  const planned = {
    schema: 1 as const,
    runId,
    vmId,
    vmName: configuration.name,
    home: folder,
    madeFolders: [],
    adopted: true,
  };
  const vm = registrationOf({ ...planned, imported: null }, configuration, configuration.switchName, disks);
  const changes = changesOf(configuration, importedAs(host, vm), []);
  await host.state.savePlanned({
    ...planned,
    imported: { vm, switchName: input.switchName, changes, differencing: [] },
  });
  return succeeded({ changes });
};
