import { succeeded } from '../../../../contracts/failure';
import { refuse } from '../../refuse';
import { fencedAgainst, findVm, registeredVm, setMarks, type Handler } from '../host';
import { marksIn } from '../marks';

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

/** Forgets the run: its reservation and what was noted of it. A fence stays. */
export const release: Handler<'release'> = async (host, { runId }, { vmId }) => {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  const marks = vm === undefined ? undefined : marksIn(vm.notes);
  if (vm !== undefined && marks?.reservedBy === runId) {
    const set = await setMarks(host, vm, { ...marks, reservedBy: null });
    if (!set.ok) return set;
  }
  await host.runs.remove(runId, vmId);
  return succeeded({});
};
