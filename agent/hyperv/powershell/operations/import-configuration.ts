import { join } from 'node:path';
import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { DiskFormatWanted } from '../../../../contracts/migration';
import { writeFileDurably } from '../../../files';
import { exists } from '../../files';
import { changesOf } from '../../home/changes';
import { homeLayout } from '../../home/layout';
import { differencingOf, placeImages, whyNotConverted } from '../../home/place-images';
import { refuse } from '../../refuse';
import { readPackage, type ConfigurationPackage } from '../configuration-package';
import { findVm, type Handler, type RealHost } from '../host';
import { incompatible } from '../incompatible';
import { placeholderOf, type PlaceholderNote } from '../placing';
import type { ImportedPlan } from '../run-files';

/**
 * Everything is checked before anything is changed. The images get the names that they had at the source, each differencing disk finds
 * its parent beside it, and Hyper-V compares the configuration with this host. It registers nothing before the VM is started.
 */
export const importConfiguration: Handler<'import-configuration'> = async (host, { runId }, input) => {
  const { vmId, folder, switchName: asked } = input;
  const noted = await placeholderOf(host, runId, vmId, folder);
  if (!noted.ok) return noted;
  const note = noted.value;
  const { home, imported } = note.placed;
  const read = await readPackage(homeLayout(home).pulledConfiguration, runId, vmId);
  if (!read.ok) return read;
  const content = read.value;
  const chosen = asked === null || content.switchName === null ? content.switchName : asked;
  const ready = await checkReady(host, content, chosen, home);
  if (!ready.ok) return ready;
  if (imported !== null && imported.asked === asked) return succeeded({ changes: imported.changes });
  const { convertTo } = input;
  const against = whyNotConverted(
    { disks: content.disks, convertTo },
    { hasMemory: content.hasSavedState, hasVmCheckpoints: false },
  );
  if (against !== undefined)
    return refuse('VmStateWrong', vmId, `The disks of VM ${content.vmName} cannot be converted: ${against}.`);
  const plan = imported === null ? await place(host, home, content, convertTo) : succeeded(imported);
  if (!plan.ok) return plan;
  const changed = { ...plan.value, asked, switchName: chosen };
  const told = { ...content, switchName: content.fromExport?.switchName ?? content.switchName };
  const now: ImportedPlan = { ...changed, changes: tell(home, told, changed) };
  const compared = await compare(host, note, now);
  if (!compared.ok) return compared;
  await host.runs.write({ ...note, placed: { ...note.placed, imported: now } });
  return succeeded({ changes: now.changes });
};

async function checkReady(
  host: RealHost,
  { vmId, hasSavedState }: ConfigurationPackage,
  switchName: string | null,
  home: string,
): Promise<Outcome<void>> {
  if (hasSavedState && !(await exists(homeLayout(home).savedStateOf(vmId))))
    return refuse('VmStateWrong', vmId, `The saved memory of VM ${vmId} was not copied yet.`);
  if (switchName === null) return succeeded(undefined);
  const facts = await host.client.call('read-host', { Roots: [...host.roots] }, { vmId });
  if (!facts.ok) return facts;
  return facts.value.switches.includes(switchName)
    ? succeeded(undefined)
    : refuse('SwitchMissing', vmId, `This host has no virtual switch "${switchName}".`);
}

/** Names the images, and puts the files of the configuration where Hyper-V finds them. */
async function place(
  host: RealHost,
  home: string,
  content: ConfigurationPackage,
  convertTo: DiskFormatWanted,
): Promise<Outcome<Omit<ImportedPlan, 'asked' | 'switchName' | 'changes'>>> {
  const { vmId, fromExport, vmName, memoryBytes, hasSavedState, endsInVmCheckpointOfRun, files } = content;
  const placed = await placeImages(host, { home, vmId }, { disks: content.disks, convertTo });
  if (!placed.ok) return placed;
  for (const { name, base64 } of files)
    await writeFileDurably(join(homeLayout(home).savedStates, name.toLowerCase()), [Buffer.from(base64, 'base64')]);
  return succeeded({
    vmName,
    fromExport: fromExport && {
      exportedVmId: fromExport.exportedVmId,
      configurationPath: configurationPathOf(home, fromExport.exportedVmId),
      newName: fromExport.vmName === vmName ? null : vmName,
      cameWithLun: false,
      isRegistering: false,
    },
    memoryBytes,
    hasSavedState,
    disks: placed.value.map(({ diskId, paths }) => ({ diskId, path: paths.at(-1) ?? '' })),
    differencing: endsInVmCheckpointOfRun ? placed.value.flatMap(differencingOf) : [],
  });
}

const tell = (
  home: string,
  content: ConfigurationPackage,
  { disks, differencing, hasSavedState, switchName }: Omit<ImportedPlan, 'changes'>,
): string[] =>
  changesOf(
    content,
    {
      switchName,
      disks,
      savedStatePath: hasSavedState ? homeLayout(home).savedStateOf(content.vmId) : null,
      configurationPath: configurationPathOf(home, content.vmId),
    },
    differencing,
  );

export const configurationPathOf = (home: string, vmId: string): string =>
  join(homeLayout(home).savedStates, `${vmId}.vmcx`);

/** What an import by Hyper-V is asked for. Disks are attached to what remains of them after the merge. */
export const editsOf = (
  { vmId }: Pick<PlaceholderNote, 'vmId'>,
  home: string,
  { fromExport, asked, hasSavedState, disks, differencing }: ImportedPlan,
) => ({
  Path: fromExport?.configurationPath ?? configurationPathOf(home, vmId),
  SwitchName: asked ?? '',
  // Of an import a person was told before; a VM that is carried over is not to arrive without its network or its memory.
  Disconnects: fromExport !== null && !fromExport.cameWithLun,
  KeepsMemory: fromExport === null || hasSavedState,
  DiskIds: disks.map(({ diskId }) => diskId),
  DiskPaths: disks.map(
    ({ diskId, path }) =>
      differencing.find((one) => one.diskId === diskId && one.childPath === path)?.parentPath ?? path,
  ),
});

/** Whether the VM gets another id than its configuration has. Hyper-V draws it. */
export const hasNewId = ({ vmId }: Pick<PlaceholderNote, 'vmId'>, { fromExport }: ImportedPlan): boolean =>
  fromExport !== null && fromExport.exportedVmId !== vmId;

/**
 * Whether Hyper-V would take the VM as it is to be. Where its id is taken, by the source of the run or a retired one, or is to be another,
 * it is compared as a copy, since whether two may be planned under one id is not documented.
 */
async function compare(host: RealHost, note: PlaceholderNote, plan: ImportedPlan): Promise<Outcome<void>> {
  const { runId, vmId, placed } = note;
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const edits = editsOf(note, placed.home, plan);
  const asCopy = found.value !== undefined || hasNewId(note, plan);
  const compared = asCopy
    ? await host.comparisons.compare(runId, edits)
    : await host.client.call('compare-import', { ...edits, VmId: vmId }, { vmId });
  if (!compared.ok) return compared;
  const { incompatibilities, state } = compared.value;
  const [first] = incompatibilities;
  if (first !== undefined) return failed(incompatible(vmId, incompatibilities, first));
  const expected = plan.hasSavedState ? 'Saved' : 'Off';
  return state === expected
    ? succeeded(undefined)
    : refuse('HyperVRefused', vmId, `Hyper-V would import VM ${plan.vmName} as ${state}, not as ${expected}.`);
}
