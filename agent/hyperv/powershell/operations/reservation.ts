import { succeeded } from '../../../../contracts/failure';
import { filesBelow, removeDurably } from '../../files';
import { homeLayout, isMergedPath } from '../../home/layout';
import { refuse } from '../../refuse';
import { exportedFiles } from '../exported-files';
import { fencedAgainst, findVm, homeOf, registeredVm, setMarks, type Handler } from '../host';
import { forgetConfiguration } from '../kept-configuration';
import { forgetHandover } from '../lun-handover';
import { marksIn } from '../marks';
import { isRoleLost } from './change-role';
import { removePoints } from './reference-points';
import type { Placed, RunFile } from '../run-files';
import { keepSwitches } from './switches';

/** Marks the VM as the run's. Refuses what another run holds. */
export const reserveVm: Handler<'reserve-vm'> = async (host, { runId }, { vmId }) => {
  const registered = await registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  const open = fencedAgainst(vm, runId);
  if (!open.ok) return open;
  const marks = marksIn(vm.notes);
  if (marks.reservedBy !== null && marks.reservedBy !== runId)
    return refuse('VmBusy', vmId, `Run ${marks.reservedBy} has reserved VM ${vm.name}.`);
  const set = await setMarks(host, vm, { ...marks, reservedBy: runId });
  return set.ok ? succeeded({}) : set;
};

/**
 * Forgets the run: its reservation, its reference points, its export, what was noted of it and what it left in the home of a VM that it started here. A fence
 * or a retired source stays; a placeholder that is still there keeps its note, so that it can still be removed, and so does a role that was removed
 * and is not there again, since nobody else knows what it was.
 */
export const release: Handler<'release'> = async (host, { runId }, { vmId }) => {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { exported, placed, rounds, lun } = noted.value;
  const points = await removePoints(host, vmId, rounds?.points ?? []);
  if (!points.ok) return points;
  if (exported !== null) await removeDurably(exported);
  const marks = vm === undefined ? undefined : marksIn(vm.notes);
  // Brought into the placeholder by Hyper-V itself, with the mark of the run in its notes.
  const hasArrived = vm !== undefined && placed?.home === homeOf(vm) && marks?.reservedBy === runId;
  if (placed !== null && (placed.startedAt !== null || hasArrived)) await tidyHome(placed, noted.value);
  if (placed !== null && placed.startedAt !== null && lun !== null) await forgetHandover(lun.home, runId);
  if (placed !== null && placed.startedAt !== null && noted.value.switchName !== null) {
    const kept = await keepSwitches(host, runId, vmId);
    if (!kept.ok) return kept;
  }
  // Before the mark, by which a VM that has arrived is known: whoever repeats this would take its home for a placeholder.
  const removedRole = (await isRoleLost(host, noted.value, vm)) ? noted.value.removedRole : null;
  await host.runs.forget({ ...noted.value, removedRole, ...(hasArrived && { placed: null }) });
  if (vm !== undefined && marks?.reservedBy === runId) {
    const set = await setMarks(host, vm, { ...marks, reservedBy: null });
    if (!set.ok) return set;
  }
  return succeeded({});
};

/** What only the run needed beside the files of the VM. */
async function tidyHome({ home, isAdopted, imported }: Placed, { runId, vmId }: RunFile): Promise<void> {
  if (isAdopted) return forgetConfiguration(home, runId);
  const { disks, pulledConfiguration, mark } = homeLayout(home);
  for (const { path } of await filesBelow(disks)) if (isMergedPath(path)) await removeDurably(path);
  await removeDurably(pulledConfiguration);
  await removeDurably(mark);
  // Under a new id Hyper-V has written a configuration of its own beside the one that was imported.
  const exported = imported?.fromExport?.exportedVmId;
  if (exported === undefined || exported === vmId) return;
  for (const { id, path } of await exportedFiles(home)) if (id === exported) await removeDurably(path);
}
