import { succeeded } from '../../../../contracts/failure';
import { isMarkedBy, makeHome, missingFolders, removeHome, removeIfEmpty } from '../../home/made';
import { resolveOnHost, type Handler } from '../host';
import { refuse } from '../../refuse';
import { checkPlace, placeBelow } from './reserve-room';

export const placeVm: Handler<'place-vm'> = async (host, { runId }, { vmId, vmName, folder }) => {
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const free = await checkPlace(host, runId, vmId, place.value);
  if (!free.ok) return free;
  const { home } = place.value;
  const before = host.state.plannedVm(runId, vmId);
  if (before !== undefined && before.home !== home)
    return refuse('DestinationOccupied', vmId, `Run ${runId} has its placeholder in ${before.home}.`);
  await host.state.saveRun({ ...host.state.run(runId, vmId), home });
  if (before === undefined) {
    const madeFolders = await missingFolders(place.value.folder);
    await host.state.savePlanned({ schema: 1, runId, vmId, vmName, home, madeFolders, adopted: false, imported: null });
  }
  await host.reached('placeholder-announced');
  if (!(await isMarkedBy(home, runId, vmId))) await makeHome(home, runId, vmId);
  return succeeded({});
};

/** Deletes nothing outside of the folder that this run made, and nothing at all once it started the VM here. */
export const removePlaceholder: Handler<'remove-placeholder'> = async (host, { runId }, { vmId, folder }) => {
  if (host.state.vm(vmId)?.startedBy?.runId === runId)
    return refuse('RefusedAfterStart', vmId, `Run ${runId} started VM ${vmId} here: its files stay.`);
  const planned = host.state.plannedVm(runId, vmId);
  const place = await placeBelow(host, folder, vmId);
  const homes = new Set([planned?.home, place.ok ? place.value.home : undefined]);
  let removedBytes = 0;
  for (const home of homes) {
    if (home === undefined) continue;
    const safe = await resolveOnHost(host, home);
    if (!safe.ok) return safe;
    if (home === planned?.home && planned.adopted) continue;
    if (home === host.state.vm(vmId)?.home)
      return refuse('RefusedAfterStart', vmId, `VM ${vmId} uses ${home}: its files stay.`);
    const isOurs = home === planned?.home || (await isMarkedBy(home, runId, vmId));
    removedBytes += await removeHome(home, runId, isOurs);
  }
  for (const made of planned?.madeFolders ?? []) await removeIfEmpty(made);
  await host.state.dropPlanned(runId, vmId);
  return succeeded({ removedBytes });
};
