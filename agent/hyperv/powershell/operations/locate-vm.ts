import { succeeded } from '../../../../contracts/failure';
import { isAtOrBelow } from '../../paths';
import { stateOf } from '../facts';
import { findVm, type Handler } from '../host';
import { isMoving } from '../moves/looks';

/** Moves first: a VM that went or came between the two looks was seen to be under way. */
export const locateVm: Handler<'locate-vm'> = async (host, _context, { vmId, folder }) => {
  const moving = await isMoving(host, vmId);
  if (!moving.ok) return moving;
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  if (vm === undefined) return succeeded({ registered: false, state: 'absent', moving: moving.value, inFolder: false });
  const paths = [vm.configurationPath, ...vm.disks.map(({ path }) => path)];
  return succeeded({
    registered: true,
    state: stateOf(vm),
    moving: moving.value,
    inFolder: folder !== null && paths.every((path) => isAtOrBelow(folder, path)),
  });
};
