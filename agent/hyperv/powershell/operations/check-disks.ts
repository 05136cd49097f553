import { succeeded } from '../../../../contracts/failure';
import { refuse } from '../../refuse';
import { sizesOf, stateOf } from '../facts';
import { reservedVm, type Handler } from '../host';

/** Hyper-V opens every file of every chain. Refuses disks that it cannot describe, and formats that the byte route does not read. */
export const checkDisks: Handler<'check-disks'> = async (host, { runId }, { vmId }) => {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  for (const { images } of vm.disks)
    for (const { format, path } of images)
      if (format !== 'VHDX' && format !== 'VHD')
        return refuse('DiskNotVhdx', vmId, `${path} of VM ${vm.name} is of format ${format}.`);
  const sizes = sizesOf(vm);
  return sizes.ok ? succeeded({ ...sizes.value, state: stateOf(vm) }) : sizes;
};
