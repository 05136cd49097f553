import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { isSettled, stateOf, underWayOf } from '../facts';
import { reservedVm, type RealHost } from '../host';
import type { MoveNote } from '../move-note';
import { isUnderWay, lookAtMove } from './looks';
import { checkSlots } from './slots';

/** Whether the VM can be moved by the run now, and the migration jobs that Hyper-V has of it already. */
export async function checkReady(
  host: RealHost,
  runId: RunId,
  vmId: VmId,
  how: MoveNote['how'],
): Promise<Outcome<{ vm: VmValue; jobsBefore: string[] }>> {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (stateOf(vm) !== 'running' || !isSettled(vm))
    return refuse('VmStateWrong', vmId, `VM ${vm.name} is ${vm.state}; it must be running to be moved while it runs.`);
  const job = underWayOf(vm);
  if (job !== null) return refuse('VmBusy', vmId, `Hyper-V has a job for VM ${vm.name} (${job}).`);
  const looked = await lookAtMove(host, vmId);
  if (!looked.ok) return looked;
  if (isUnderWay(looked.value)) return refuse('VmBusy', vmId, `Hyper-V moves VM ${vm.name} already.`);
  const slots = await checkSlots(host, vmId, how);
  return slots.ok ? succeeded({ vm, jobsBefore: looked.value.jobs.map(({ id }) => id) }) : slots;
}
