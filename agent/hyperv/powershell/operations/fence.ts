import { failed, succeeded } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import { hadEffect } from '../../afterwards';
import { refuse } from '../../refuse';
import { stateOf } from '../facts';
import { findVm, registeredVm, reservedVm, setMarks, type Handler, type RealHost } from '../host';
import { marksIn } from '../marks';

/**
 * The mark first, then the denial: whatever is cut short in between carries the mark, by which `unfence-vm` knows what to take back. A
 * repeat denies again, which changes nothing where it was denied.
 */
export const fenceVm: Handler<'fence-vm'> = async (host, { runId }, { vmId }) => {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (stateOf(vm) === 'running')
    return refuse('VmStateWrong', vmId, `VM ${vm.name} runs: a fence keeps it from starting, it does not stop it.`);
  const marks = marksIn(vm.notes);
  const marked = await setMarks(host, vm, { ...marks, fencedBy: runId });
  if (!marked.ok) return marked;
  const locked = await host.client.call('lock-disks', { VmId: vmId }, { vmId });
  if (locked.ok) return succeeded({});
  if (locked.failure.effect === 'none' && marks.fencedBy !== runId && (await takeMarkBack(host, vmId))) return locked;
  // The mark is still there, of this attempt or of one before.
  return failed(hadEffect(locked.failure));
};

async function takeMarkBack(host: RealHost, vmId: VmId): Promise<boolean> {
  const now = await registeredVm(host, vmId);
  if (!now.ok) return false;
  return (await setMarks(host, now.value, { ...marksIn(now.value.notes), fencedBy: null })).ok;
}

/** Another run's fence is not this run's to remove. */
export const unfenceVm: Handler<'unfence-vm'> = async (host, { runId }, { vmId }) => {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  if (vm === undefined || marksIn(vm.notes).fencedBy !== runId) return succeeded({});
  const unlocked = await host.client.call('unlock-disks', { VmId: vmId }, { vmId });
  if (!unlocked.ok) return unlocked;
  const unmarked = await setMarks(host, unlocked.value, { ...marksIn(unlocked.value.notes), fencedBy: null });
  return unmarked.ok ? succeeded({}) : unmarked;
};
