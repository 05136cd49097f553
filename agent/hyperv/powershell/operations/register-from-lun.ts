import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { hadEffect } from '../../afterwards';
import { isAtOrBelow, resolveBelowRoots } from '../../paths';
import { refuse } from '../../refuse';
import { exportedFiles } from '../exported-files';
import { findVm, type Handler, type RealHost } from '../host';
import { incompatible } from '../incompatible';
import { holderOf, readVm, type WrittenVm } from '../lun-handover';
import { hasLun, isMounted, lookAtLun, type LunFile } from '../luns';
import { isPlaceholder, resolveFolder } from '../placing';
import type { ImportedPlan } from '../run-files';
import { editsOf } from './import-configuration';
import { giveBack } from './placeholder';

/**
 * The folder on the LUN becomes the placeholder of the VM. Hyper-V compares it as a copy, which leaves the files as they are, and registers
 * it in place when it starts: a planned VM that is not started would be one that the source could not have back.
 */
export const registerFromLun: Handler<'register-vm'> = async (host, { runId }, { vmId, folder, switchName: asked }) => {
  const here = await fileOnLun(host, runId, vmId, folder);
  if (!here.ok) return here;
  const file = here.value;
  const { home } = file.lun;
  const before = file.placed?.imported;
  if (before && before.asked === asked) return succeeded({ changes: before.changes });
  const written = await readVm(home, runId, vmId);
  if (!written.ok) return written;
  const free = await checkFree(host, runId, vmId);
  if (!free.ok) return free;
  const planned = await planOf(host, file, written.value, asked);
  if (!planned.ok) return planned;
  const imported = planned.value;
  const compared = await host.comparisons.compare(runId, editsOf(file, home, imported));
  if (!compared.ok) return compared;
  const { incompatibilities, state } = compared.value;
  const [first] = incompatibilities;
  if (first !== undefined) return failed(incompatible(vmId, incompatibilities, first));
  if (state !== 'Saved')
    return refuse('HyperVRefused', vmId, `Hyper-V would register VM ${imported.vmName} as ${state}, not as Saved.`);
  const placed = { home, vmName: imported.vmName, madeFolders: [], isAdopted: true, imported, startedAt: null };
  await host.runs.write({ ...file, placed });
  return succeeded({ changes: imported.changes });
};

/** The notes of a run that has the LUN of that folder, online and writable. */
async function fileOnLun(host: RealHost, runId: RunId, vmId: VmId, folder: string): Promise<Outcome<LunFile>> {
  const place = await resolveFolder(host, folder);
  if (!place.ok) return place;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const file = noted.value;
  const notHere = refuse('LunBusy', vmId, `This host does not have the LUN of ${folder} for run ${runId}.`);
  if (!hasLun(file) || file.lun.stage !== 'taken' || file.lun.home !== place.value) return notHere;
  const looked = await lookAtLun(host, vmId, file.lun);
  if (!looked.ok) return looked;
  const isHere = isMounted(looked.value) && (await holderOf(file.lun.home, runId)) === 'destination';
  return isHere ? succeeded(file) : notHere;
}

async function checkFree(host: RealHost, runId: RunId, vmId: VmId): Promise<Outcome<void>> {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  if (found.value !== undefined)
    return refuse('DestinationOccupied', vmId, `A VM ${vmId} (${found.value.name}) is registered on this host.`);
  const all = await host.runs.all();
  if (!all.ok) return all;
  const other = all.value.find((file) => file.vmId === vmId && file.runId !== runId && isPlaceholder(file));
  return other === undefined
    ? succeeded(undefined)
    : refuse('DestinationOccupied', vmId, `Run ${other.runId} has a placeholder of VM ${vmId} on this host.`);
}

/** Links on the LUN are followed: whoever wrote it is not to have rights on files of this host changed. */
const isOnLun = async (mountPath: string, path: string): Promise<boolean> =>
  isAtOrBelow(mountPath, path) && (await resolveBelowRoots(path, mountPath, [mountPath])).ok;

/** What the LUN says of the VM is compared with what is on it. */
async function planOf(
  host: RealHost,
  { vmId, lun: { home, mountPath } }: LunFile,
  written: WrittenVm,
  asked: string | null,
): Promise<Outcome<ImportedPlan>> {
  const unusable = (why: string) =>
    failed(
      failureOf('RequestInvalid', { message: `VM ${vmId} in ${home}: ${why}.`, subject: { vmId }, native: '32784' }),
    );
  const { vmName, memoryBytes, switchName, disks } = written;
  for (const { path } of disks)
    if (!(await isOnLun(mountPath, path))) return unusable(`its disk ${path} is not on the LUN`);
  const configuration = (await exportedFiles(home)).find(({ id, ending }) => id === vmId && ending === 'vmcx');
  if (configuration === undefined) return unusable('its configuration is not there');
  if (!(await isOnLun(mountPath, configuration.path))) return unusable('its configuration is not on the LUN');
  const chosen = asked === null || switchName === null ? switchName : asked;
  const facts = await host.client.call('read-host', { Roots: [...host.roots] }, { vmId });
  if (!facts.ok) return facts;
  if (chosen !== null && !facts.value.switches.includes(chosen))
    return refuse('SwitchMissing', vmId, `This host has no virtual switch "${chosen}".`, '33012');
  const { path: configurationPath } = configuration;
  return succeeded({
    vmName,
    fromExport: { exportedVmId: vmId, configurationPath, newName: null, cameWithLun: true, isRegistering: false },
    memoryBytes,
    asked,
    switchName: chosen,
    hasSavedState: true,
    changes: [
      `The VM is registered in place, in ${home}.`,
      ...(chosen === switchName ? [] : [`The virtual switch was "${switchName ?? ''}" and is now "${chosen ?? ''}".`]),
    ],
    disks: [...disks],
    differencing: [],
  });
}

/** The files become what they were, and are denied to the VM again as the source denied them: whoever gets the LUN finds the VM fenced. */
export const unregisterFromLun: Handler<'unregister-vm'> = async (host, { runId }, { vmId }) => {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { placed } = noted.value;
  if (placed === null) return succeeded({});
  if (placed.startedAt !== null)
    return refuse('RefusedAfterStart', vmId, `Run ${runId} started VM ${vmId} here: it stays registered.`);
  if (placed.imported?.fromExport?.cameWithLun !== true)
    return refuse('VmStateWrong', vmId, `The placeholder of VM ${vmId} did not come with a LUN.`);
  const given = await giveBack(host, placed, runId);
  if (!given.ok) return given;
  if (placed.imported.fromExport.isRegistering) {
    const DiskPaths = placed.imported.disks.map(({ path }) => path);
    const locked = await host.client.call('lock-files', { VmId: vmId, DiskPaths }, { vmId });
    if (!locked.ok) return failed(hadEffect(locked.failure));
  }
  await host.runs.write({ ...noted.value, placed: null });
  return succeeded({});
};
