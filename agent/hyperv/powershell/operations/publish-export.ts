import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import { syncFolder } from '../../../files';
import { exists, removeDurably } from '../../files';
import { unpublishedFolder } from '../../home/export-folder';
import { refuse } from '../../refuse';
import { exportedVmIds } from '../exported-files';
import { findVm, registeredVm, type Handler, type RealHost } from '../host';
import { awaitJob } from '../jobs';
import { resolveFolder } from '../placing';
import { jobOf, type NotedExport } from './export-vm';

/** By one rename: an export is there as a whole or not at all. What is there by its name when what was written is gone, was it. */
export const publishExport: Handler<'publish-export'> = async (host, { runId }, { vmId, folder }) => {
  const registered = await registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const place = await resolveFolder(host, folder);
  if (!place.ok) return place;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { exporting } = noted.value;
  if (exporting?.isWritten !== true || dirname(exporting.folder) !== place.value)
    return refuse('NotFound', vmId, `Run ${runId} has written no export of VM ${registered.value.name}.`);
  const { folder: written, published } = exporting;
  if (await exists(written)) {
    if (await exists(published)) return refuse('DestinationOccupied', vmId, `${published} is there already.`);
    await rename(written, published);
    await syncFolder(place.value);
  } else if (!(await exists(published))) {
    return refuse('NotFound', vmId, `What run ${runId} wrote of VM ${registered.value.name} is gone.`);
  }
  const [exportedVmId = vmId] = await exportedVmIds(published);
  return succeeded({ folder: published, ...(exportedVmId !== vmId && { exportedVmId }) });
};

/** Nothing is removed while Hyper-V still writes it. What is published stays. */
export const removeUnpublished: Handler<'remove-unpublished'> = async (host, context, { vmId, folder }) => {
  const noted = await host.runs.read(context.runId, vmId);
  if (!noted.ok) return noted;
  const { exporting } = noted.value;
  const found = await findVm(host, vmId);
  const place = await resolveFolder(host, folder);
  const targets = new Set<string>();
  if (found.ok && found.value !== undefined && place.ok)
    targets.add(unpublishedFolder(place.value, found.value.name, context.runId));
  if (exporting !== null) {
    const ended = await endJob(host, { ...noted.value, exporting });
    if (!ended.ok) return ended;
    targets.add(exporting.folder);
  }
  for (const target of targets) await removeDurably(target);
  if (exporting !== null) await host.runs.write({ ...noted.value, exporting: null });
  return succeeded({});
};

async function endJob(host: RealHost, note: NotedExport): Promise<Outcome<void>> {
  if (note.exporting.isWritten) return succeeded(undefined);
  const job = await jobOf(host, note);
  if (!job.ok) return job;
  if (job.value === null) return succeeded(undefined);
  const asked = { signal: AbortSignal.abort(), report: () => undefined };
  const ended = await awaitJob(host, asked, { vmId: note.vmId, jobId: job.value });
  return ended.ok ? succeeded(undefined) : ended;
}
