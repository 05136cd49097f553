import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { DriverContext } from '../../driver';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { isMerging, sizesOf } from '../facts';
import { checkpointNameOf, checkpointOf, findVm, registeredVm, reservedVm, type Handler, type RealHost } from '../host';
import { marksIn } from '../marks';

/** A VM checkpoint under the run's name, of the type that the VM is set to. A repeat finds it. */
export const takeVmCheckpoint: Handler<'take-vm-checkpoint'> = async (host, { runId }, { vmId }) => {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (isMerging(vm)) return refuse('VmBusy', vmId, `A VM checkpoint of VM ${vm.name} is being merged.`);
  if (marksIn(vm.notes).fencedBy !== null)
    return refuse('VmFenced', vmId, `VM ${vm.name} is fenced by this run: its disks do not change.`);
  if (checkpointOf(vm, runId) !== undefined) return sizesOf(vm);
  const Name = checkpointNameOf(runId);
  const taken = await host.client.call('take-checkpoint', { VmId: vmId, Name }, { vmId });
  return taken.ok ? sizesOf(taken.value) : taken;
};

const lookMs = 1_000;

/** Removes the run's VM checkpoint and waits until Hyper-V has merged its disks, which it does by itself while the VM runs. */
export const removeVmCheckpoint: Handler<'remove-vm-checkpoint'> = async (host, context, { vmId }) => {
  const { runId } = context;
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  if (vm === undefined) return succeeded({});
  const taken = checkpointOf(vm, runId);
  if (taken === undefined && noted.value.merging === null) return succeeded({});
  const { fencedBy } = marksIn(vm.notes);
  if (fencedBy !== null) return refuse('VmFenced', vmId, `Run ${fencedBy} has fenced VM ${vm.name}.`);
  if (taken !== undefined) {
    if (vm.checkpoints.some(({ parentId }) => parentId === taken.id))
      return refuse('VmStateWrong', vmId, `Another VM checkpoint stands on that of run ${runId}: remove it first.`);
    // Without one above it, the files that the VM writes since are the last of each chain.
    await host.runs.write({ ...noted.value, merging: vm.disks.map(({ path }) => path) });
    const removed = await host.client.call('remove-checkpoint', { VmId: vmId, Name: taken.name }, { vmId });
    if (!removed.ok) return removed;
  }
  const merged = await awaitMerge(host, context, vm);
  if (!merged.ok) return merged;
  const now = await host.runs.read(runId, vmId);
  if (!now.ok) return now;
  await host.runs.write({ ...now.value, merging: null });
  return succeeded({});
};

/** Looks until no chain has a file that is to go, and Hyper-V says that it merges nothing. */
async function awaitMerge(
  host: RealHost,
  { runId, signal, report }: DriverContext,
  { id, name }: VmValue,
): Promise<Outcome<void>> {
  for (;;) {
    const registered = await registeredVm(host, id);
    if (!registered.ok) return registered;
    const noted = await host.runs.read(runId, id);
    if (!noted.ok) return noted;
    const going = new Set(noted.value.merging ?? []);
    const vm = registered.value;
    const isThere = vm.disks.some(
      ({ path, images }) => going.has(path) || images.some((image) => going.has(image.path)),
    );
    if (!isThere && !isMerging(vm)) return succeeded(undefined);
    if (signal.aborted)
      return failed(
        failureOf('CanceledByOperator', {
          message: `VM ${name} still merges its disks; Hyper-V goes on with it.`,
          subject: { vmId: id },
          effect: 'applied',
        }),
      );
    report({ bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0, waitingFor: `the merge of the disks of VM ${name}` });
    await host.clock.sleep(lookMs, signal);
  }
}
