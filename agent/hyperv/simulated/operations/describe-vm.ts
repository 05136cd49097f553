import { dirname } from 'node:path';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { VmNeeds } from '../../../../contracts/operations';
import { commonFeatures } from '../admission';
import { filesOfVm } from '../file-use';
import type { Handler, SimulatedHost } from '../host';
import { isAtOrBelow } from '../../paths';
import type { VmRecord } from '../records';
import { refuse } from '../../refuse';
import { registeredVm } from '../refusals';

export const describeVm: Handler<'describe-vm'> = async (host, _context, { vmId }) => {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  return needsOf(host, registered.value);
};

/** What a VM needs of another host. A VM checkpoint that is being merged is refused: its files change under the move. */
export async function needsOf(host: SimulatedHost, vm: VmRecord): Promise<Outcome<VmNeeds>> {
  if (vm.vmCheckpoints.some((taken) => taken.stage !== 'taken'))
    return refuse('VmBusy', vm.vmId, `A VM checkpoint of VM ${vm.name} is being taken or merged.`);
  const files = await filesOfVm(host, vm);
  const { maker, features } = host.record.processor;
  return succeeded({
    vmName: vm.name,
    hasMemoryState: vm.state !== 'off',
    memoryBytes: vm.memoryBytes,
    fileBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    configurationVersion: vm.configurationVersion,
    processorMaker: maker,
    processorFeatures: features.filter((one) => !vm.processorCompatibility || commonFeatures.includes(one)),
    switchName: vm.switchName,
    vlanId: vm.vlanId,
    clusterName: (await host.fabric?.clusterOfVm(vm.vmId)) ?? null,
    storage: storageOf(
      host,
      vm,
      files.map((file) => file.path),
    ),
  });
}

/** The one volume of the fabric that holds every file of a VM; a LUN only where no other VM uses it. */
export function storageOf(host: SimulatedHost, vm: VmRecord, files: readonly string[]): VmNeeds['storage'] {
  const { fabric } = host;
  if (fabric === undefined) return null;
  const places = [vm.home, ...files];
  const folder = dirname(vm.home);
  const shared = fabric.sharedVolumeOf(vm.home);
  if (shared !== undefined && places.every((path) => fabric.sharedVolumeOf(path)?.name === shared.name))
    return { type: 'shared-volume', name: shared.name, folder };
  const lun = fabric.lunOf(vm.home);
  if (lun === undefined || !places.every((path) => fabric.lunOf(path)?.name === lun.name)) return null;
  const root = fabric.layout.lun(lun.name);
  const isAlone = host.state.vms.every(
    (other) =>
      other.vmId === vm.vmId ||
      ![other.home, ...other.disks.map((disk) => disk.path)].some((path) => isAtOrBelow(root, path)),
  );
  return isAlone ? { type: 'lun', name: lun.name, folder } : null;
}
