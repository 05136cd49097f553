import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import { changeDataWriteId, formatOfName } from '../../../disks/open-image';
import type { DriverContext } from '../../driver';
import { removeDurably } from '../../files';
import { changeDisks } from '../guests';
import { rootsOf, type Handler, type SimulatedHost } from '../host';
import { mergeImage } from '../../home/work';
import { dataWriteIdOf, makeDifferencing } from '../images';
import { layersOf, unfinishedLayer, type Layers } from '../layers';
import type { VmRecord } from '../records';
import { refuse } from '../../refuse';
import { registeredVm } from '../refusals';
import { vmCheckpointOf } from './take-vm-checkpoint';

/** Also forgets the run's reference points, and with the last of them the tracking: all that pre-copy left at the source. */
export const removeVmCheckpoint: Handler<'remove-vm-checkpoint'> = async (host, context, { vmId }) => {
  const merged = await mergeVmCheckpoint(host, context, vmId);
  return merged.ok ? forgetPoints(host, context, vmId) : merged;
};

async function forgetPoints(
  host: SimulatedHost,
  { runId }: DriverContext,
  vmId: VmId,
): Promise<Outcome<Record<string, never>>> {
  if (host.state.vm(vmId)?.referencePoints.some((point) => point.runId === runId) !== true) return succeeded({});
  return changeDisks(host, vmId, async () => {
    const registered = registeredVm(host, vmId);
    if (!registered.ok) return registered;
    const referencePoints = registered.value.referencePoints.filter((point) => point.runId !== runId);
    if (referencePoints.length === 0) await removeDurably(host.layout.trackingFolder(vmId));
    await host.state.saveVm({ ...registered.value, referencePoints });
    return succeeded({});
  });
}

/**
 * Merges back in two rounds when the VM runs: the guest goes on in a second differencing disk while the first is merged; then it stands
 * still for as long as it takes to merge that small one. What is being merged stays attached until all of it is in the parent, so that
 * at every moment the guest, or a cold boot after a crash, reads the same.
 */
export async function mergeVmCheckpoint(
  host: SimulatedHost,
  context: DriverContext,
  vmId: VmId,
): Promise<Outcome<Record<string, never>>> {
  const { runId } = context;
  const vm = host.state.vm(vmId);
  const taken = vm === undefined ? undefined : vmCheckpointOf(vm, runId);
  if (vm === undefined || taken === undefined) return succeeded({});
  if (vm.fencedBy !== null) return refuse('VmFenced', vmId, `Run ${vm.fencedBy} has fenced VM ${vm.name}.`);
  const layers = layersOf(vm, runId, taken);
  if (taken.stage !== 'taking') {
    const merged = await mergeBack(host, context, vm, layers);
    if (!merged.ok) return merged;
  }
  // What stood still has other content now; the first write of a guest says so, where none runs it is said here.
  if (taken.stage !== 'taking' && !host.guests.has(vmId))
    for (const { frozen } of layers) {
      const changed = await changeDataWriteId(frozen, host.newGuid(), { newGuid: host.newGuid });
      if (!changed.ok) return changed;
    }
  // Nothing is attached to these any more; removed first, so that what the record forgets is gone.
  for (const layer of layers)
    for (const path of [layer.merge, ...layer.children, unfinishedLayer(vm, runId, taken, layer)])
      await removeDurably(path);
  const now = host.state.vm(vmId) ?? vm;
  await host.state.saveVm({ ...now, vmCheckpoints: now.vmCheckpoints.filter((one) => one.runId !== runId) });
  return succeeded({});
}

async function mergeBack(
  host: SimulatedHost,
  context: DriverContext,
  vm: VmRecord,
  layers: readonly Layers[],
): Promise<Outcome<void>> {
  const isAttached = (path: string) => host.state.vm(vm.vmId)?.disks.some((disk) => disk.path === path) === true;
  if (layers.every(({ frozen }) => isAttached(frozen))) return succeeded(undefined);
  if (!layers.every(({ children, merge }) => children.some(isAttached) || isAttached(merge)))
    return refuse(
      'VmStateWrong',
      vm.vmId,
      `Another VM checkpoint stands on that of run ${context.runId}: remove it first.`,
    );
  if (layers.some(({ children }) => children.some(isAttached))) {
    const began = await changeDisks(host, vm.vmId, () => beginMerge(host, context, vm.vmId, layers));
    if (!began.ok) return began;
  }
  await host.reached('vm-checkpoint-merge-began');
  for (const { children, frozen } of layers) {
    for (const child of acceptsOneParent(frozen) ? children.slice(-1) : children) {
      const merged = await mergeLayer(host, context, child, frozen);
      if (!merged.ok) return failed({ ...merged.failure, effect: 'applied' });
    }
    await host.reached('vm-checkpoint-merged');
  }
  return changeDisks(host, vm.vmId, () => finishMerge(host, context, vm, layers));
}

/** A VHD knows its parent by one id; a VHDX also accepts what it is merged into over images between. */
const acceptsOneParent = (path: string): boolean => formatOfName(path) === 'vhd';

/** What a layer of a VHD holds goes down with that of the layers between, over which alone it finds what it is merged into. */
function mergeLayer(
  host: SimulatedHost,
  context: DriverContext,
  layer: string,
  frozen: string,
): ReturnType<typeof mergeImage> {
  const between = acceptsOneParent(frozen) ? { roots: rootsOf(host) } : undefined;
  return mergeImage(host, context, layer, frozen, 'kept', between);
}

/** From here on nobody may serve the images below the last one. A guest that runs gets a second differencing disk. */
async function beginMerge(
  host: SimulatedHost,
  { runId }: DriverContext,
  vmId: VmId,
  layers: readonly Layers[],
): Promise<Outcome<void>> {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const vm = registered.value;
  for (const { frozen, children, merge } of layers) {
    // Its parent is the last child; once that is merged, it goes into `frozen` as well.
    const target = await dataWriteIdOf(frozen);
    if (!target.ok) return target;
    const made = await makeDifferencing(host, children.at(-1) ?? frozen, merge, target.value);
    if (!made.ok) return made;
  }
  const disks = layers.map(({ diskId, merge }) => ({ diskId, path: merge }));
  const vmCheckpoints = vm.vmCheckpoints.map((one) =>
    one.runId === runId ? { ...one, stage: 'merging' as const } : one,
  );
  await host.state.saveVm({ ...vm, disks, vmCheckpoints });
  return succeeded(undefined);
}

async function finishMerge(
  host: SimulatedHost,
  context: DriverContext,
  vm: VmRecord,
  layers: readonly Layers[],
): Promise<Outcome<void>> {
  await host.reached('vm-checkpoint-merge-final');
  for (const { merge, frozen } of layers) {
    const merged = await mergeLayer(host, context, merge, frozen);
    if (!merged.ok) return failed({ ...merged.failure, effect: 'applied' });
  }
  const now = host.state.vm(vm.vmId) ?? vm;
  await host.state.saveVm({ ...now, disks: layers.map(({ diskId, frozen }) => ({ diskId, path: frozen })) });
  await host.reached('vm-checkpoint-detached');
  return succeeded(undefined);
}
