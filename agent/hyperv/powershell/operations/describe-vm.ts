import { refuse } from '../../refuse';
import { underWayOf } from '../facts';
import { registeredVm, type Handler } from '../host';
import { needsOf } from '../moves/needs';

/** A VM whose disks are being merged is refused: its files change under the move. */
export const describeVm: Handler<'describe-vm'> = async (host, _context, { vmId }) => {
  const registered = await registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  const job = underWayOf(vm);
  if (job === 'merge' || job === 'vm-checkpoint')
    return refuse('VmBusy', vmId, `A VM checkpoint of VM ${vm.name} is being taken or merged.`);
  return needsOf(host, vm);
};
