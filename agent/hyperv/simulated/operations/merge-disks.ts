import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failed, succeeded } from '../../../../contracts/failure';
import { syncFolder } from '../../../files';
import { exists } from '../files';
import type { Handler } from '../host';
import { mergeImage } from '../images';
import { mergedPath } from '../layout';
import { refuse } from '../../refuse';
import { importedPlaceholder, type ImportedPlan } from '../refusals';
import { placeBelow } from './reserve-room';

/** Disk by disk: merge, note it in the placeholder's record, put the child aside. Each of the three may be repeated. */
export const mergeDisks: Handler<'merge-disks'> = async (host, context, { vmId, folder }) => {
  const planned = importedPlaceholder(host, context.runId, vmId);
  if (!planned.ok) return planned;
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  if (place.value.home !== planned.value.home)
    return refuse('VmStateWrong', vmId, `The placeholder is in ${planned.value.home}, not in ${folder}.`);
  let plan = planned.value;
  for (const { diskId, childPath, parentPath, mergedBytes } of plan.imported.differencing) {
    if (mergedBytes !== null) continue;
    const merged = await mergeImage(host, context, childPath, parentPath, 'from-child');
    if (!merged.ok) return failed({ ...merged.failure, effect: 'applied' });
    plan = withMerged(plan, diskId, merged.value);
    await host.state.savePlanned(plan);
    await host.reached('disk-merged');
  }
  for (const { childPath } of plan.imported.differencing) await putAside(childPath);
  const mergedBytes = plan.imported.differencing.reduce((sum, one) => sum + (one.mergedBytes ?? 0), 0);
  return succeeded({ mergedBytes });
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

async function putAside(childPath: string): Promise<void> {
  if (!(await exists(childPath))) return;
  await rename(childPath, mergedPath(childPath));
  await syncFolder(dirname(childPath));
}
