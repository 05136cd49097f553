import { rename } from 'node:fs/promises';
import { succeeded } from '../../../../contracts/failure';
import { syncFolder } from '../../../files';
import { exists, readJson, removeDurably } from '../../files';
import { exportLayout, publishedFolder, unpublishedFolder } from '../../home/export-folder';
import { refuse } from '../../refuse';
import { resolveOnHost, type Handler } from '../host';
import { exportedConfiguration } from '../records';
import { registeredVm } from '../refusals';

/** By one rename: an export is there as a whole or not at all. */
export const publishExport: Handler<'publish-export'> = async (host, { runId }, { vmId, folder }) => {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  const place = await resolveOnHost(host, folder);
  if (!place.ok) return place;
  const written = unpublishedFolder(place.value, registered.value.name, runId);
  const published = publishedFolder(place.value, registered.value.name);
  if (await exists(written)) {
    if (await exists(published)) return refuse('DestinationOccupied', vmId, `${published} is there already.`);
    await rename(written, published);
    await syncFolder(place.value);
    return succeeded({ folder: published });
  }
  const found = await readJson(exportLayout(published).configuration(vmId), exportedConfiguration);
  if (found.state === 'read' && found.value.runId === runId) return succeeded({ folder: published });
  return refuse('NotFound', vmId, `Run ${runId} has written no export of VM ${registered.value.name}.`);
};

export const removeUnpublished: Handler<'remove-unpublished'> = async (host, { runId }, { vmId, folder }) => {
  const vm = host.state.vm(vmId);
  const place = await resolveOnHost(host, folder);
  if (vm !== undefined && place.ok) await removeDurably(unpublishedFolder(place.value, vm.name, runId));
  return succeeded({});
};
