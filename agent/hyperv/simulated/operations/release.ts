import { succeeded } from '../../../../contracts/failure';
import { filesBelow, removeDurably } from '../../files';
import type { Handler } from '../host';
import { homeLayout, isMergedPath } from '../../home/layout';
import { clearBehind } from './files-behind';
import { isRoleLost } from './change-role';
import { isMarkedBy } from '../../home/made';
import { keepSwitches } from './switches';

/**
 * Forgets the run: its reservations, exports and accounts, what it left in the home of a VM that it started here, and what a move left behind. A fence or a
 * retired source stays; a placeholder that is still there keeps its mark, so that it can still be removed. A role that was removed and is not there again
 * stays noted, since nobody else knows what it was.
 */
export const release: Handler<'release'> = async (host, { runId }, { vmId }) => {
  const vm = host.state.vm(vmId);
  const run = host.state.run(runId, vmId);
  const { home } = run;
  const cleared = await clearBehind(host, run);
  if (!cleared.ok) return cleared;
  if (home !== null && vm?.home === home && (await isMarkedBy(home, runId, vmId))) {
    const disks = await filesBelow(homeLayout(home).disks);
    for (const { path } of disks) if (isMergedPath(path)) await removeDurably(path);
    await removeDurably(homeLayout(home).pulledConfiguration);
    await removeDurably(homeLayout(home).mark);
  }
  if (vm?.startedBy?.runId === runId) {
    await removeDurably(homeLayout(vm.home).writtenConfiguration(runId));
    await keepSwitches(host, runId);
  }
  if (vm?.reservedBy === runId) await host.state.saveVm({ ...vm, reservedBy: null });
  if (await isRoleLost(host, run)) await host.state.dropRunButRole(runId, vmId);
  else await host.state.dropRun(runId, vmId);
  return succeeded({});
};
