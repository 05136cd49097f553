import type { Handler } from '../host';
import { refuse } from '../../refuse';
import { mergeEach } from '../../home/work';
import { importedPlaceholder, type ImportedPlan } from '../refusals';
import { placeBelow } from './reserve-room';

export const mergeDisks: Handler<'merge-disks'> = async (host, context, { vmId, folder }) => {
  const planned = importedPlaceholder(host, context.runId, vmId);
  if (!planned.ok) return planned;
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  if (place.value.home !== planned.value.home)
    return refuse('VmStateWrong', vmId, `The placeholder is in ${planned.value.home}, not in ${folder}.`);
  let plan = planned.value;
  return mergeEach(host, context, plan.imported.differencing, async (diskId, mergedBytes) => {
    plan = withMerged(plan, diskId, mergedBytes);
    await host.state.savePlanned(plan);
    await host.reached('disk-merged');
  });
};

function withMerged(plan: ImportedPlan, diskId: string, mergedBytes: number): ImportedPlan {
  const { imported } = plan;
  const differencing = imported.differencing.map((one) => (one.diskId === diskId ? { ...one, mergedBytes } : one));
  const disks = imported.vm.disks.map((disk) => {
    const merged = differencing.find((one) => one.diskId === diskId && one.childPath === disk.path);
    return merged === undefined ? disk : { ...disk, path: merged.parentPath };
  });
  return { ...plan, imported: { ...imported, vm: { ...imported.vm, disks }, differencing } };
}
