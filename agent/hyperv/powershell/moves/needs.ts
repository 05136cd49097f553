import { dirname } from 'node:path';
import { stat } from 'node:fs/promises';
import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { VmNeeds } from '../../../../contracts/operations/moves';
import { ifExists } from '../../../files';
import type { InspectedVm, Told, ToldValue } from '../calls/inspection';
import type { VmValue } from '../calls/vm';
import { memoryBytesOf, sizesOf, stateOf } from '../facts';
import { homeOf, type RealHost } from '../host';
import { ownLunOf, pathsOf, volumeOf } from '../inspect/storage';
import { classify } from '../worker/classify';

/** What another host must be able to give a VM. Reads only. */
export async function needsOf(host: RealHost, vm: VmValue): Promise<Outcome<VmNeeds>> {
  const { client } = host;
  const sizes = sizesOf(vm);
  if (!sizes.ok) return sizes;
  const inspected = await client.call('inspect-vm', { VmId: vm.id }, { vmId: vm.id });
  if (!inspected.ok) return inspected;
  const processor = valueOf(vm, inspected.value.processor);
  if (!processor.ok) return processor;
  const role = valueOf(vm, inspected.value.role);
  if (!role.ok) return role;
  const network = valueOf(vm, inspected.value.network);
  if (!network.ok) return network;
  const storage = await storageOf(host, vm, inspected);
  if (!storage.ok) return storage;
  const { maker, vectors } = processor.value;
  return succeeded({
    vmName: vm.name,
    hasMemoryState: stateOf(vm) !== 'off',
    memoryBytes: memoryBytesOf(vm),
    fileBytes: await fileBytesOf(vm, inspected.value),
    configurationVersion: vm.version,
    processorMaker: maker,
    // Hyper-V tells numbers to compare, and not what features they stand for.
    processorFeatures: [],
    ...(vectors.known && { processorVectors: vectors.value }),
    switchName: vm.switchName,
    vlanId: vlanOf(network.value),
    clusterName: role.value?.clusterName ?? null,
    storage: storage.value,
  });
}

/** A part of a look; where it could not be told, the failure that its error means. */
function valueOf<T>(vm: VmValue, told: Told<T>): Outcome<T> {
  return told.known ? succeeded(told.value) : failed(classify(told.error, false, { vmId: vm.id }));
}

const vlanOf = (network: ToldValue<InspectedVm['network']>): number | null =>
  network?.vlanMode === 'Access' && network.vlanId >= 1 && network.vlanId <= 4094 ? network.vlanId : null;

/** Every file that is known to be the VM's, once: of its disks, its VM checkpoints, its memory. */
async function fileBytesOf(vm: VmValue, { checkpoints }: InspectedVm): Promise<number> {
  const paths = new Set([
    ...pathsOf(vm),
    vm.runtimeStatePath,
    ...(checkpoints.known ? checkpoints.value.flatMap((one) => one.paths) : []),
  ]);
  const sizes = await Promise.all([...paths].map(async (path) => (await ifExists(stat(path)))?.size ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * The one volume that holds every file of a VM, where it is of the cluster or a LUN with no other VM on it; null where there is none. A VM
 * comes with its LUN in the folder in which it is, whatever that is called.
 */
async function storageOf(
  { client }: RealHost,
  vm: VmValue,
  inspected: Outcome<InspectedVm>,
): Promise<Outcome<VmNeeds['storage']>> {
  const about = { vmId: vm.id };
  const host = await client.call('inspect-host', { Folder: '' }, about);
  if (!host.ok) return host;
  const all = await client.call('read-vms', {}, about);
  if (!all.ok) return all;
  const looks = { vm, inspected, host, all: succeeded(all.value.vms) };
  // A cluster or a SAN that cannot be asked holds no file that is known to be shared.
  const found = volumeOf(looks);
  if (!found.known || found.value === null) return succeeded(null);
  if (found.value.type !== 'lun') return succeeded({ ...found.value, folder: dirname(homeOf(vm)) });
  const lun = ownLunOf(looks);
  return succeeded(lun.known && lun.value !== null ? { type: 'lun', folder: homeOf(vm), ...lun.value } : null);
}
