import { failed, succeeded } from '../../../../contracts/failure';
import { refuse } from '../../refuse';
import { disksOf, memoryBytesOf, sizesOf, stateOf } from '../facts';
import { homeOf, registeredVm, reservedVm, type Handler } from '../host';
import { forgetHandover, writeVm } from '../lun-handover';
import { marksIn } from '../marks';

/** The configuration itself is on the LUN already. What is written beside it says whose VM it is, and stays true since the VM cannot change. */
export const writeConfiguration: Handler<'write-configuration'> = async (host, { runId }, { vmId }) => {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { stop } = noted.value;
  const isSaved = stateOf(vm) === 'saved' && stop?.how === 'saved' && stop.resumedAt === null;
  if (!isSaved || marksIn(vm.notes).fencedBy !== runId)
    return refuse('VmStateWrong', vmId, `VM ${vm.name} must be saved and fenced by this run first.`);
  const sizes = sizesOf(vm);
  if (!sizes.ok) return failed({ ...sizes.failure, effect: 'none' });
  await writeVm({
    schema: 1,
    runId,
    vmId,
    vmName: vm.name,
    home: homeOf(vm),
    memoryBytes: memoryBytesOf(vm),
    switchName: vm.switchName,
    disks: disksOf(vm).map(({ diskId, path }) => ({ diskId, path })),
  });
  return succeeded({});
};

/** On a LUN that is not here nothing can be removed. */
export const removeConfiguration: Handler<'remove-configuration'> = async (host, { runId }, { vmId }) => {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  if (noted.value.lun !== null)
    return refuse('LunBusy', vmId, `LUN ${noted.value.lun.name} of VM ${vmId} was not taken back yet.`);
  const registered = await registeredVm(host, vmId);
  if (!registered.ok) return registered;
  await forgetHandover(homeOf(registered.value), runId);
  return succeeded({});
};
