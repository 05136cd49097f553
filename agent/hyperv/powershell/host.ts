import { dirname } from 'node:path';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import type { OperationInput, OperationOutput } from '../../../contracts/operations';
import type { Clock } from '../../clock';
import type { DriverContext, DriverOperationKind } from '../driver';
import type { KeyedLocks } from '../locks';
import { refuse } from '../refuse';
import type { Client } from './calls/client';
import type { VmValue } from './calls/vm';
import type { Comparisons } from './comparisons';
import { marksIn, withMarks, type Marks } from './marks';
import type { RetiredFiles } from './retired-files';
import type { RunFiles } from './run-files';

/** A real host at work: what the operations share. */
export type RealHost = {
  readonly client: Client;
  /** Folders below which VMs may be placed. */
  readonly roots: readonly string[];
  readonly runs: RunFiles;
  readonly retired: RetiredFiles;
  readonly comparisons: Comparisons;
  readonly locks: KeyedLocks;
  readonly clock: Clock;
  readonly newGuid: () => string;
  readonly log: (message: string) => void;
};

/** How the host carries an operation out, with the lock of the VM held. */
export type Handler<K extends DriverOperationKind> = (
  host: RealHost,
  context: DriverContext,
  input: OperationInput<K>,
) => Promise<Outcome<OperationOutput<K>>>;

/** The folder of a VM: that above `Virtual Machines`, which holds its configuration. */
export const homeOf = ({ configurationPath }: Pick<VmValue, 'configurationPath'>): string =>
  dirname(dirname(configurationPath));

/** The VM, or undefined where none is registered. */
export async function findVm({ client }: RealHost, vmId: VmId): Promise<Outcome<VmValue | undefined>> {
  const read = await client.call('read-vms', { VmId: vmId }, { vmId });
  return read.ok ? succeeded(read.value.vms[0]) : read;
}

export async function registeredVm(host: RealHost, vmId: VmId): Promise<Outcome<VmValue>> {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  return found.value === undefined
    ? refuse('VmNotFound', vmId, `No VM ${vmId} is registered on this host.`)
    : succeeded(found.value);
}

/** Whether anybody but `run` keeps the VM from starting or changing. */
export function fencedAgainst(vm: VmValue, run: RunId): Outcome<VmValue> {
  const { fencedBy } = marksIn(vm.notes);
  if (fencedBy === null || fencedBy === run) return succeeded(vm);
  return refuse('VmFenced', vm.id, `Run ${fencedBy} has fenced VM ${vm.name}.`);
}

/** The VM that `run` reserved and may change. */
export async function reservedVm(host: RealHost, run: RunId, vmId: VmId): Promise<Outcome<VmValue>> {
  const registered = await registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const open = fencedAgainst(registered.value, run);
  if (!open.ok) return open;
  const { reservedBy } = marksIn(open.value.notes);
  if (reservedBy === run) return open;
  if (reservedBy !== null) return refuse('VmBusy', vmId, `Run ${reservedBy} has reserved VM ${open.value.name}.`);
  return refuse('VmStateWrong', vmId, `Run ${run} has not reserved VM ${open.value.name}.`);
}

/** Sets the marks of a VM. VmBusy where somebody changed its notes since it was read. */
export async function setMarks({ client }: RealHost, vm: VmValue, marks: Marks): Promise<Outcome<void>> {
  const Notes = withMarks(vm.notes, marks);
  if (Notes === vm.notes) return succeeded(undefined);
  const set = await client.call('set-notes', { VmId: vm.id, Expected: vm.notes, Notes }, { vmId: vm.id });
  if (!set.ok) return set;
  const kept = marksIn(set.value.notes);
  const names = ['reservedBy', 'fencedBy', 'retiredBy'] as const;
  if (names.every((name) => kept[name] === marks[name])) return succeeded(undefined);
  const message = `Hyper-V did not keep the mark in the notes of VM ${vm.name}.`;
  return failed(failureOf('HyperVRefused', { message, subject: { vmId: vm.id }, effect: 'unknown' }));
}
