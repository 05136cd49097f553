import { succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import { refuse } from '../refuse';
import type { SimulatedHost } from './host';
import type { PlannedRecord, VmRecord } from './records';

/** The registered VM; VmNotFound when there is none, IoFailed when its state file cannot be read. */
export function registeredVm(host: SimulatedHost, vm: VmId): Outcome<VmRecord> {
  const record = host.state.vm(vm);
  if (record !== undefined) return succeeded(record);
  const unreadable = host.state.unreadable(vm);
  if (unreadable !== undefined)
    return refuse('IoFailed', vm, `The state file of VM ${vm} cannot be read: ${unreadable}.`);
  return refuse('VmNotFound', vm, `No VM ${vm} is registered on this host.`);
}

/** Whether anybody but `run` keeps the VM from starting or changing. */
export function fencedAgainst(record: VmRecord, run: RunId): Outcome<VmRecord> {
  if (record.fencedBy === null || record.fencedBy === run) return succeeded(record);
  return refuse('VmFenced', record.vmId, `Run ${record.fencedBy} has fenced VM ${record.name}.`);
}

/** The VM that `run` reserved and may change. */
export function reservedVm(host: SimulatedHost, run: RunId, vm: VmId): Outcome<VmRecord> {
  const registered = registeredVm(host, vm);
  if (!registered.ok) return registered;
  const open = fencedAgainst(registered.value, run);
  if (!open.ok) return open;
  const { reservedBy, name } = open.value;
  if (reservedBy === run) return open;
  if (reservedBy !== null) return refuse('VmBusy', vm, `Run ${reservedBy} has reserved VM ${name}.`);
  return refuse('VmStateWrong', vm, `Run ${run} has not reserved VM ${name}.`);
}

/** The placeholder of a run, with its configuration. */
export type ImportedPlan = PlannedRecord & { readonly imported: NonNullable<PlannedRecord['imported']> };

export function placeholder(host: SimulatedHost, run: RunId, vm: VmId): Outcome<PlannedRecord> {
  const planned = host.state.plannedVm(run, vm);
  if (planned !== undefined) return succeeded(planned);
  return refuse('VmNotFound', vm, `Run ${run} has no placeholder of VM ${vm} on this host.`);
}

export function importedPlaceholder(host: SimulatedHost, run: RunId, vm: VmId): Outcome<ImportedPlan> {
  const planned = placeholder(host, run, vm);
  if (!planned.ok) return planned;
  const { imported } = planned.value;
  if (imported === null)
    return refuse('VmStateWrong', vm, `The placeholder of VM ${vm} has no configuration yet: import it first.`);
  return succeeded({ ...planned.value, imported });
}
