import { succeeded } from '../../../../contracts/failure';
import { isAtOrBelow } from '../../paths';
import { stateOf } from '../facts';
import { findVm, type Handler } from '../host';

const movesVm = 32774;

export const locateVm: Handler<'locate-vm'> = async (host, _context, { vmId, folder }) => {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  if (vm === undefined) return succeeded({ registered: false, state: 'absent', moving: false, inFolder: false });
  const paths = [vm.configurationPath, ...vm.disks.map(({ path }) => path)];
  return succeeded({
    registered: true,
    state: stateOf(vm),
    moving: vm.operationalStatus.includes(movesVm),
    inFolder: folder !== null && paths.every((path) => isAtOrBelow(folder, path)),
  });
};
